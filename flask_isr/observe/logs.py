"""The extension's warnings, where nobody else shows them."""

from __future__ import annotations

import logging

from flask.logging import default_handler

# Whose handlers keep records, for somebody who may look at them, and show them to nobody.
_KEEPERS = {"flask_debugtoolbar"}


class LastResort(logging.Handler):
    """Shows warnings as Flask's own logger does, unless another handler shows them.

    Whether one does is looked at for each of them: applications configure their logging at
    any time, and extensions add handlers of their own at the first request.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Show *record* if nobody else does."""
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
    """Have the warnings of this package shown by somebody."""
    logging.getLogger("flask_isr").addHandler(_last_resort)
