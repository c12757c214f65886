"""Who may ask for a revalidation over HTTP, and how."""
