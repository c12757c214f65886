"""The store over backends of Flask-Caching passes the kit, and says what it cannot do."""
