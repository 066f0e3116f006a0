"""Sources by configuration: files and SQL databases."""
