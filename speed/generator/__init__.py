"""The load generator: a process of its own that sends, stamps and stores, and parses afterwards."""
