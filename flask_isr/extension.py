"""The class ``ISR``, which adds the extension to an application."""

from __future__ import annotations

import datetime
import typing as t

from flask import Blueprint
from flask import Flask

from .config import Settings
from .errors import ConfigurationError
from .observe.log_handler import show_warnings
from .pages.levels import SKIP_ATTRIBUTE
from .runtime import Runtime
from .runtime import current_runtime
from .serving.draft import Draft
from .serving.middleware import Middleware
from .webhooks.auth import GUARDED_ATTRIBUTE
from .webhooks.auth import require_secret
from .webhooks.route import make_blueprint
from .webhooks.tokens import Tokens
from .webhooks.tokens import checked_targets

if t.TYPE_CHECKING:
    from flask_caching import Cache

Hook = t.TypeVar("Hook", bound=t.Callable[..., t.Any])
View = t.TypeVar("View", bound=t.Callable[..., t.Any])


class ISR:
    """Incremental Static Regeneration for a Flask application.

    .. code-block:: python

        isr = ISR()


        def create_app():
            app = Flask(__name__)
            isr.init_app(app)
            app.register_blueprint(isr.blueprint, url_prefix="/api")
            return app

    One object serves any number of applications; the state of each is in
    ``app.extensions["isr"]``. The ``ISR_*`` settings are read in :meth:`init_app`, once.

    :param app: the application, if it exists already.
    :param cache: a :class:`flask_caching.Cache` that keeps the pages, initialised before
        the first request. ``None``: the cache of ``ISR_CACHE``, or the embedded store.
    :param clock: replaces the time, in seconds since 1970, for tests; all processes on
        one folder must use the same.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        cache: Cache | None = None,
        clock: t.Callable[[], float] | None = None,
    ) -> None:
        self._cache = cache
        self._clock = clock
        #: ``GET`` and ``POST /revalidate``, to be registered on the application.
        self.blueprint: Blueprint = make_blueprint()
        #: Draft mode: editors see each static page as its view makes it now.
        self.draft: Draft = Draft()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Wrap ``app.wsgi_app``, add the ``flask isr`` commands, and keep the state.

        Middleware that corrects the request, such as ProxyFix, belongs outside: wrap it
        around ``app.wsgi_app`` after this call.

        :raises ConfigurationError: if a setting is wrong.
        :raises RuntimeError: if the application has Flask-ISR already.
        """
        if "isr" in app.extensions:
            raise RuntimeError(
                f"the application {app.name!r} has Flask-ISR already: call ISR(app) or"
                " isr.init_app(app) once."
            )
        show_warnings()
        runtime = Runtime(
            app,
            inner=app.wsgi_app,
            settings=Settings.from_app(app),
            clock=self._clock,
            on_prepare=_exempt_from_csrf,
            cache=self._cache,
        )
        middleware = Middleware(app.wsgi_app, runtime.parts)
        runtime.serve_in(middleware)
        app.wsgi_app = middleware  # type: ignore[method-assign]
        from .cli import isr_commands

        app.cli.add_command(isr_commands)

    def require_secret(self, view: View) -> View:
        """Guard a view by ``ISR_SECRET``, such as a view that a CMS calls.

        A request brings the secret as it would to the revalidate route, else it gets 401.
        If the view raises :exc:`~flask_isr.errors.StoreUnavailable`, it gets 503.

        Put it directly above the view, below the route.
        """
        return require_secret(view)

    def token(
        self,
        *,
        paths: t.Iterable[str] = (),
        tags: t.Iterable[str] = (),
        lifetime: float | datetime.timedelta = 3600,
    ) -> str:
        """A signed token that may revalidate these pages of the current application.

        The revalidate route takes it as ``token=`` in place of the secret, for all or some
        of the targets that it names: a "refresh this page" link that can be handed out. A
        token cannot be revoked before it expires, except by removing the secret that
        signed it: the last one of a list.

        :param paths: as :func:`~flask_isr.revalidate_path` takes them, each one page.
        :param tags: as :func:`~flask_isr.revalidate_tag` takes them.
        :param lifetime: seconds or timedelta after which the token is refused.
        :raises ValueError: if there is no target, an argument is malformed, or
            ``ISR_SECRET`` is not set.
        :raises NotAStaticPage: if no static page serves a path.
        """
        runtime = current_runtime()
        targets = checked_targets(runtime.revalidator, paths, tags)
        return Tokens(runtime.settings.secrets, runtime.clock).make(targets, lifetime)

    def skip_on_hit(self, hook: Hook) -> Hook:
        """Mark a hook that need not run for pages that are served from the store.

        It is a ``before_request`` function, a URL preprocessor, or a receiver of
        ``request_started`` or ``appcontext_pushed``. Marked, it does not keep pages from
        being served at full speed. It runs in each render all the same.

        :raises ConfigurationError: if *hook* cannot be marked.
        """
        try:
            setattr(getattr(hook, "__func__", hook), SKIP_ATTRIBUTE, True)
        except AttributeError:
            raise ConfigurationError(
                f"{hook!r} cannot be marked; wrap it in a function."
            ) from None
        return hook


def _exempt_from_csrf(app: Flask) -> None:
    """Exempt views that a secret guards from Flask-WTF's CSRF check: they use no cookies.

    Called at the first request, since CSRFProtect may be initialised after the extension.
    """
    protect = app.extensions.get("csrf")
    if protect is None:
        return
    for view in app.view_functions.values():
        if getattr(view, GUARDED_ATTRIBUTE, False):
            protect.exempt(view)
