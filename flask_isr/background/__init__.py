"""Where work runs that no visitor waits for: runners, threads, retries, forks."""
