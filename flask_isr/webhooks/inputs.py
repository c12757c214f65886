"""The inputs of a call of the revalidate route: query, form and JSON body."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import unquote_to_bytes

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

# The most bytes of a body that are read for targets and secrets.
_BODY = 256 * 1024


class BadInput(ValueError):
    """A query or body that cannot be used.

    :param status: the status to answer with, 400 or 413.
    """

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


def query_values(request: Request, name: str) -> list[str]:
    """The values of *name* in the query.

    :raises BadInput: if the query has unescaped bytes that are no UTF-8.
    """
    try:
        return request.args.getlist(name)
    except UnicodeDecodeError:
        raise BadInput(400, "The query is not in UTF-8") from None


def json_body(request: Request) -> dict[str, t.Any]:
    """The JSON object that was sent; empty if the body is of another type, or empty.

    Nothing beyond the limit is read, even of a body that does not state its length.

    :raises BadInput: if it is no JSON object, or too large.
    """
    if not request.is_json:
        return {}
    sent = _read(request)
    if not sent:
        return {}
    try:
        # Stricter than Flask's own: only UTF-8, no NaN, and no name that stands twice,
        # since readers differ in which one they take.
        body = json.loads(
            sent.decode(), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise BadInput(400, "The body is not JSON in UTF-8 with unique names") from None
    if not isinstance(body, dict):
        raise BadInput(400, "The body is not a JSON object")
    return body


def form_values(request: Request, name: str) -> list[str]:
    """The values of *name* in the URL-encoded form that was sent.

    :raises BadInput: if the form is too large, in another encoding than UTF-8, or a
        multipart one.
    """
    if request.mimetype == "multipart/form-data":
        raise BadInput(400, "A form must be sent as application/x-www-form-urlencoded")
    if request.mimetype != "application/x-www-form-urlencoded":
        return []
    if not is_utf8(_read(request)):
        raise BadInput(400, "The form is not in UTF-8")
    return request.form.getlist(name)


def is_utf8(encoded: bytes) -> bool:
    """Whether *encoded*, a query or a form, is text when it is decoded."""
    try:
        unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return False
    return True


def _object(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _read(request: Request) -> bytes:
    """The body. No more than the limit is read, even if the body does not state its
    length; a lower limit of the application's own stays."""
    own = request.max_content_length
    most = _BODY if own is None else min(own, _BODY)
    # One byte more shows an excess: Werkzeug cuts a body without a length at the limit.
    request.max_content_length = most + 1
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        raise BadInput(413, f"The body is larger than {most} bytes") from None
    except Exception:
        # A malformed body raises whatever the server likes.
        raise BadInput(400, "The body cannot be read") from None
    finally:
        # A guarded view may take more, once its sender is known.
        request.max_content_length = own
    if len(body) > most:
        raise BadInput(413, f"The body is larger than {most} bytes")
    return body
