"""Runs the work that no visitor waits for: runners, threads, retries, forks."""
