"""The public face: declarations, settings, answers, levels, signals."""
