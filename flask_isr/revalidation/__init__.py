"""Invalidation in this process: making stored pages give way."""
