"""The store on a backend of Flask-Caching."""
