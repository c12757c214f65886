"""All that strangers can make more of has an end, however many come."""
