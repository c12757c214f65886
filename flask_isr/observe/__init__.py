"""Logs and signals: what people and programs hear of the cache."""
