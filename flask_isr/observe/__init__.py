"""What people and programs hear of the cache: logs and signals."""
