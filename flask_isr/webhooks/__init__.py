"""Revalidation over HTTP: who may ask for it, and how."""
