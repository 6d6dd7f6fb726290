"""The containers that rows come in: JSON, JSON lines, CSV, Parquet, zip bundles, all streamed."""
