"""Is a score earned or remembered? Variants of documents, and traces of them in a corpus."""
