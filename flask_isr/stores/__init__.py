"""Where pages, invalidations, leases, failures and lists are kept."""
