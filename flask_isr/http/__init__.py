"""HTTP, without Flask or a store: headers, conditions, encodings, answers made of pages."""
