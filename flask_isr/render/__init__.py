"""One sealed render, from a key to an outcome."""
