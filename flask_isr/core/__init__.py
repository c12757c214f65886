"""The heart: what a page is, whether it may be served, who renders it. Knows no Flask."""
