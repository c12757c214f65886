"""Draft mode: an editor gets each static page from its view, with what is unpublished."""

from __future__ import annotations

import hashlib
import math
import typing as t

from flask import Flask
from flask import Response
from flask import has_request_context
from flask import request
from itsdangerous import BadData
from itsdangerous import URLSafeSerializer

from ..current import current_extension
from ..errors import ConfigurationError
from ..http.host import host_of
from ..pages.hosts import matches_hosts
from ..render.context import rendering
from ..secret_keys import secret_keys
from ..validation import seconds

if t.TYPE_CHECKING:
    import datetime

    from _typeshed.wsgi import WSGIEnvironment

#: The cookie of an editor in draft mode.
COOKIE: t.Final = "isr_draft"

SameSite: t.TypeAlias = t.Literal["Lax", "Strict", "None"]

_SALT = "flask-isr.draft"

# The most cookies of a request that are read: browsers send one for each path and domain.
_TRIED = 4

# The most seconds for which browsers keep a cookie.
_LONGEST = 400 * 24 * 3600

# The environ key under which a request remembers whether its cookie is good.
_SEEN = "flask_isr.draft"


class DraftCookies:
    """Signs and reads the cookies of draft mode for one application.

    If the application tells hosts apart, a cookie is for one host.

    :param clock: seconds since 1970.
    """

    def __init__(self, app: Flask, clock: t.Callable[[], float]) -> None:
        self._app = app
        self._clock = clock

    def covers(self, environ: WSGIEnvironment) -> bool:
        """Whether the request has a cookie of draft mode that is good."""
        if COOKIE not in environ.get("HTTP_COOKIE", ""):
            return False
        host = self._host(environ)
        # Middleware may give the request another host on its way, or hand it on to another
        # application.
        asked, good = environ.get(_SEEN, (None, False))
        if asked != (self, host):
            cookies = self._app.request_class(environ).cookies.getlist(COOKIE)
            good = any(self._is_good(cookie, host) for cookie in cookies[:_TRIED])
            environ[_SEEN] = (self, host), good
        return t.cast(bool, good)

    def sign(self, length: int, environ: WSGIEnvironment) -> str:
        """A cookie that is good for *length* seconds, on the host of the request.

        :raises ConfigurationError: if there is no key to sign it with.
        """
        signer = self._signer(self._host(environ))
        if signer is None:
            raise ConfigurationError(
                "SECRET_KEY is not set: the cookie of draft mode is signed with it."
            )
        return str(signer.dumps(int(self._clock() + length)))

    def _host(self, environ: WSGIEnvironment) -> str:
        return host_of(environ) if matches_hosts(self._app) else ""

    def _is_good(self, cookie: str, host: str) -> bool:
        signer = self._signer(host)
        try:
            until = None if signer is None else signer.loads(cookie)
        except BadData:
            return False
        return isinstance(until, int) and self._clock() < until

    def _signer(self, host: str) -> URLSafeSerializer | None:
        keys = secret_keys(self._app)
        if not keys:
            return None
        return URLSafeSerializer(
            keys,
            # Another application with the same key has drafts of its own.
            salt=f"{_SALT}.{self._app.import_name}.{self._app.name}/{host}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )


class Draft:
    """Draft mode of the current application; see :attr:`.ISR.draft`.

    A visitor with its cookie gets every static page from its view, on their own request,
    with hooks, session and all. That answer is never read from the store or written to it,
    and no cache may keep it (``no-store``); closed lists are open. The cookie is signed
    with ``SECRET_KEY`` and expires. A cookie that is forged, expired, of another
    application or, if the application tells hosts apart, of another host is ignored.
    """

    def enable(
        self,
        response: Response,
        *,
        lifetime: float | datetime.timedelta = 3600,
        samesite: SameSite = "Lax",
    ) -> None:
        """Have the visitor who gets *response* see drafts. Call it in a view that only
        editors reach: behind a log-in, or under ``@isr.require_secret``.

        :param lifetime: seconds or timedelta after which draft mode ends; at most the 400
            days for which browsers keep a cookie.
        :param samesite: ``"None"`` if a CMS shows the site inside a frame; browsers
            accept that over HTTPS only.
        :raises ConfigurationError: if ``SECRET_KEY`` is not set, or *lifetime* is
            malformed.
        """
        # Zero would delete the cookie.
        length = min(math.ceil(seconds("lifetime", lifetime)), _LONGEST)
        drafts: DraftCookies = current_extension().drafts
        _set_cookie(response, drafts.sign(length, request.environ), length, samesite)

    def disable(self, response: Response) -> None:
        """Have the visitor who gets *response* see what everybody sees."""
        # Inside a frame of another site, browsers accept `SameSite=None` alone.
        _set_cookie(response, "", 0, "None" if request.is_secure else "Lax")

    def is_enabled(self) -> bool:
        """Whether the current request is an editor's in draft mode, so that a view may
        show them what is not published yet. False in the render of a page that others
        get, and outside of requests."""
        if not has_request_context() or rendering():
            return False
        drafts: DraftCookies = current_extension().drafts
        return drafts.covers(request.environ)


def _set_cookie(
    response: Response, value: str, length: int, samesite: SameSite
) -> None:
    app: Flask = current_extension().application.app
    response.set_cookie(
        COOKIE,
        value,
        max_age=length,
        path=app.session_interface.get_cookie_path(app),
        secure=request.is_secure or samesite == "None",
        httponly=True,
        samesite=samesite,
    )
    response.headers["Cache-Control"] = "no-store"
