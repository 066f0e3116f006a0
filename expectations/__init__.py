"""Checks of what comes in and what goes out, by Great Expectations on DuckDB."""
