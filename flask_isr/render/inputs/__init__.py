"""Notices and explains what a sealed render reads of its request."""
