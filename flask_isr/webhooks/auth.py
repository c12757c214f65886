"""Authorization by the shared secret, wherever a sender can put it."""

from __future__ import annotations

import functools
import hmac
import typing as t

from flask import Request
from flask import Response
from flask import current_app
from flask import request

from ..errors import StoreUnavailable
from ..runtime import current_runtime
from .answers import message
from .answers import no_store
from .answers import unavailable
from .inputs import BadInput
from .inputs import form_values
from .inputs import json_body
from .inputs import query_values

View = t.TypeVar("View", bound=t.Callable[..., t.Any])

#: The attribute by which a guarded view is known: it needs no CSRF token.
GUARDED_ATTRIBUTE = "__flask_isr_guarded__"


def refusal(request: Request) -> Response | None:
    """Why the sender of *request* may not revalidate; ``None`` if they may."""
    secrets = current_runtime().settings.secrets
    if not secrets:
        return message(
            503,
            "ISR_SECRET is not set, so nobody may revalidate: set it to what"
            " `flask isr secret` prints.",
        )
    try:
        given = _given(request)
    except BadInput as error:
        # A sender who gave no secret elsewhere need not know what is wrong with the body.
        if error.status == 413:
            return message(413, str(error))
        given = b""
    # All secrets are compared, so that the time does not tell which was nearly right.
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
    """The token that was sent in place of the secret, if there is one."""
    try:
        sent = [*query_values(request, "token"), *form_values(request, "token")]
        value = sent[0] if sent else json_body(request).get("token")
    except BadInput:
        return None
    return value if isinstance(value, str) else None


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
