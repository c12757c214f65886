"""Answers of the routes that a secret guards."""

from __future__ import annotations

import logging
import typing as t

from flask import Response
from flask import jsonify

from ..errors import StoreUnavailable

logger = logging.getLogger("flask_isr")

# Seconds after which a sender should try again if the store is not available.
_RETRY_AFTER = 5


def message(status: int, text: str, **more: t.Any) -> Response:
    """A JSON answer with a message for people."""
    response = jsonify(message=text, **more)
    response.status_code = status
    if status == 401:
        # RFC 9110, section 15.5.2.
        response.headers["WWW-Authenticate"] = "Bearer"
    return no_store(response)


def no_store(response: Response) -> Response:
    """*response*, never to be kept by any cache."""
    response.headers["Cache-Control"] = "no-store"
    return response


def unavailable(error: StoreUnavailable) -> Response:
    """The answer that tells that an invalidation was not recorded, and when to retry."""
    logger.error(
        "an invalidation was not recorded, and its sender was answered 503: %s", error
    )
    response = message(503, "The invalidation was not recorded. Try again.")
    response.headers["Retry-After"] = str(_RETRY_AFTER)
    return response
