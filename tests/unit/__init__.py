"""Each room of ``flask_isr`` by itself: in this process, with no server and no service."""
