"""One visitor's request, from WSGI through Flask and back."""
