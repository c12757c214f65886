"""Other extensions beside this one, each tried for real."""
