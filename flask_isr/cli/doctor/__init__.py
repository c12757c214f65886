"""``flask isr doctor``: checks of an application and of its store."""
