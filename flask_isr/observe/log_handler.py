"""The extension's warnings, shown if no other handler shows them."""

from __future__ import annotations

import logging

from flask.logging import default_handler

# Packages whose handlers keep records to be looked at later, and show none by themselves.
_KEEPERS = {"flask_debugtoolbar"}


class LastResort(logging.Handler):
    """Shows warnings as Flask's own logger does, unless another handler shows them.

    The other handlers are looked up for each warning: applications configure their logging
    at any time, and extensions add handlers of their own at the first request.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Show *record* if no other handler does."""
        if not self._is_shown(record):
            default_handler.handle(record)

    def _is_shown(self, record: logging.LogRecord) -> bool:
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            for handler in logger.handlers:
                if record.levelno >= handler.level and _shows(handler):
                    return True
            logger = logger.parent if logger.propagate else None
        return False


def _shows(handler: logging.Handler) -> bool:
    if isinstance(handler, LastResort | logging.NullHandler):
        return False
    return type(handler).__module__.partition(".")[0] not in _KEEPERS


_last_resort = LastResort(logging.WARNING)


def show_warnings() -> None:
    """Have the warnings of this package shown, whatever handlers there are."""
    logging.getLogger("flask_isr").addHandler(_last_resort)
