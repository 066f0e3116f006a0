"""CSV, JSONL and Parquet files, local or remote, by configuration."""
