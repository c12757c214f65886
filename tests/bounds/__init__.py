"""All that strangers can make more of has an end."""
