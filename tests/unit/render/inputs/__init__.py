"""What a page reads of its visitor and does not declare is told to its author, once."""
