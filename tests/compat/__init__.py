"""Beside what others wrote: extensions, and applications as their authors write them."""
