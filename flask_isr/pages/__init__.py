"""What the application declares: static pages, their routes, hosts, paths and lists."""
