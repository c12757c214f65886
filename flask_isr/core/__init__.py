"""The rules of the cache: what a page is, if it may be served, who renders it. No Flask."""
