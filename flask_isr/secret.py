"""Who may revalidate: the shared secret, wherever a sender can put it."""

from __future__ import annotations

import functools
import hmac
import json
import logging
import typing as t
from urllib.parse import unquote_to_bytes

from flask import Request
from flask import Response
from flask import current_app
from flask import jsonify
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from .errors import StoreUnavailable
from .state import current_state

logger = logging.getLogger("flask_isr")

View = t.TypeVar("View", bound=t.Callable[..., t.Any])

#: The attribute by which a guarded view is known: it needs no CSRF token.
GUARDED_ATTRIBUTE = "__flask_isr_guarded__"

# Bytes of a body that are looked at for targets and secrets.
_BODY = 256 * 1024

# Seconds after which a sender should try again when the store is not there.
_RETRY_AFTER = 5


def no_store(response: Response) -> Response:
    """*response*, never to be kept by any cache."""
    response.headers["Cache-Control"] = "no-store"
    return response


def message(status: int, text: str, **more: t.Any) -> Response:
    """A JSON answer with a message for people."""
    response = jsonify(message=text, **more)
    response.status_code = status
    if status == 401:
        # RFC 9110, section 15.5.2.
        response.headers["WWW-Authenticate"] = "Bearer"
    return no_store(response)


def unavailable(error: StoreUnavailable) -> Response:
    """The answer that an invalidation was not recorded, and when to try again."""
    logger.error(
        "an invalidation was not recorded, and its sender was answered 503: %s", error
    )
    response = message(503, "The invalidation was not recorded. Try again.")
    response.headers["Retry-After"] = str(_RETRY_AFTER)
    return response


def refusal(request: Request) -> Response | None:
    """Why the sender of *request* may not revalidate; ``None`` if they may."""
    secrets = current_state().settings.secrets
    if not secrets:
        return message(
            503,
            "ISR_SECRET is not set, so nobody may revalidate: set it to what"
            " `flask isr secret` prints.",
        )
    try:
        given = _given(request)
    except BadInput as error:
        # Without a secret elsewhere, nobody needs to know what is wrong with the body.
        if error.status == 413:
            return message(413, str(error))
        given = b""
    # Each is compared, so that the time does not tell which one was nearly right.
    matches = [hmac.compare_digest(given, secret) for secret in secrets]
    return None if any(matches) else message(401, "Invalid token")


def _given(request: Request) -> bytes:
    # WSGI hands headers over as latin-1: this gives back the bytes that were sent.
    authorization = request.headers.get("Authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip().encode("latin-1", "replace")
    header = request.headers.get("X-Revalidate-Secret")
    if header is not None:
        return header.encode("latin-1", "replace")
    sent = query_values(request, "secret")
    value = sent[0] if sent else json_body(request).get("secret")
    # Surrogates, which JSON can smuggle in, have no UTF-8 form; they match no secret.
    return value.encode("utf-8", "replace") if isinstance(value, str) else b""


def given_token(request: Request) -> str | None:
    """The token that was sent in the place of the secret, if there is one."""
    try:
        sent = [*query_values(request, "token"), *form_values(request, "token")]
        value = sent[0] if sent else json_body(request).get("token")
    except BadInput:
        return None
    return value if isinstance(value, str) else None


class BadInput(ValueError):
    """A query or body that cannot be used.

    :param status: the status to answer with, 400 or 413.
    """

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


def query_values(request: Request, name: str) -> list[str]:
    """The values of *name* in the query.

    :raises BadInput: if the query has bytes that are no UTF-8 as they stand.
    """
    try:
        return request.args.getlist(name)
    except UnicodeDecodeError:
        raise BadInput(400, "The query is not in UTF-8") from None


def json_body(request: Request) -> dict[str, t.Any]:
    """The JSON object that was sent; empty where the body is of another type, or empty.

    Nothing beyond the limit is read, also of a body that does not say its length.

    :raises BadInput: if it is no JSON object, or too large.
    """
    if not request.is_json:
        return {}
    sent = _read(request)
    if not sent:
        return {}
    try:
        # Stricter than Flask's own: only UTF-8, no NaN, and no name that stands twice, of
        # which each reader would take another one.
        body = json.loads(
            sent.decode(), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise BadInput(400, "The body is not JSON in UTF-8 with unique names") from None
    if not isinstance(body, dict):
        raise BadInput(400, "The body is not a JSON object")
    return body


def _object(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _read(request: Request) -> bytes:
    """The body, of which no more than the limit is read, also where it does not say its
    length; a lower limit of the application's own stays."""
    own = request.max_content_length
    most = _BODY if own is None else min(own, _BODY)
    # One more byte tells: Werkzeug ends a body that does not say its length at the limit.
    request.max_content_length = most + 1
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        raise BadInput(413, f"The body is larger than {most} bytes") from None
    except Exception:
        # What is malformed raises whatever the server likes.
        raise BadInput(400, "The body cannot be read") from None
    finally:
        # A guarded view may take more, once its sender is known.
        request.max_content_length = own
    if len(body) > most:
        raise BadInput(413, f"The body is larger than {most} bytes")
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


def require_secret(view: View) -> View:
    """Guard a view of the application's own, such as a CMS webhook.

    A request without the right secret gets 401 and never reaches the view; one whose
    invalidation could not be recorded (:exc:`StoreUnavailable` out of the view) gets 503,
    so that the sender tries again. The secret is looked for in ``Authorization: Bearer``,
    ``X-Revalidate-Secret``, and ``secret`` in the query or the JSON body; it is compared
    in constant time. The answer is never cached. Put it directly above the view.
    """

    @functools.wraps(view)
    def guarded(*args: t.Any, **kwargs: t.Any) -> t.Any:
        refused = refusal(request)
        if refused is not None:
            return refused
        try:
            result = current_app.ensure_sync(view)(*args, **kwargs)
        except StoreUnavailable as error:
            return unavailable(error)
        return no_store(current_app.make_response(result))

    setattr(guarded, GUARDED_ATTRIBUTE, True)
    return t.cast(View, guarded)
