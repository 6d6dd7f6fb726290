"""lm-evaluation-harness as a library: its task definitions, without its engine or bookkeeping."""
