"""Tables and queries of PostgreSQL, MySQL and SQLite, by configuration."""
