"""The embedded store: one folder, two SQLite databases, many processes."""
