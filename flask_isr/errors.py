"""The exceptions of Flask-ISR.

.. code-block:: text

    ISRError
    ├── ConfigurationError (also ValueError)   a setting or a decorator's argument is wrong
    ├── NotAStaticPage (also LookupError)      a path that no static page serves
    ├── StoreUnavailable                       the store could not be read or written
    ├── RevalidationError                      a page could not be rendered anew
    └── client.RemoteError                     another site did not do what it was asked
        └── client.RemoteUnavailable           it was not reached, or did not record it
"""

from __future__ import annotations

import typing as t


class ISRError(Exception):
    """The base of all exceptions of this package."""


class ConfigurationError(ISRError, ValueError):
    """A setting is wrong; the message names it, its value and what is accepted."""


class NotAStaticPage(ISRError, LookupError):
    """No static page of the application serves the path; nothing was done.

    :param path: the path or rule as it was given.
    """

    def __init__(
        self, path: str, reason: str = "no view with @static_page is there"
    ) -> None:
        #: The path or rule as it was given.
        self.path = path
        super().__init__(
            f"{path!r} is not a static page: {reason}. Give a path as url_for() returns"
            " it; 'flask isr routes' lists the static pages."
        )


class StoreUnavailable(ISRError):
    """The store could not be read or written. An invalidation that raises this was *not*
    recorded: try again, or the old page stays.

    :param doing: what was tried.
    """

    def __init__(self, doing: str, cause: BaseException | str) -> None:
        #: What was tried.
        self.doing = doing
        detail = cause if isinstance(cause, str) else f"{type(cause).__name__}: {cause}"
        super().__init__(f"the page store did not {doing} ({detail})")


class RevalidationError(ISRError):
    """A page named in ``mode="refresh"`` is expired, but its new render did not come.

    The last good page is served meanwhile, and the render is retried automatically.

    :param failures: pairs of path and cause.
    :param pending: paths that were still rendering when the time to wait was over.
    """

    def __init__(
        self, failures: t.Mapping[str, str], pending: t.Sequence[str] = ()
    ) -> None:
        #: Path to cause, for the pages whose render failed.
        self.failures = dict(failures)
        #: Paths that were still rendering when ``ISR_WAIT_TIMEOUT`` was over.
        self.pending = tuple(pending)
        parts = [f"{path}: {cause}" for path, cause in self.failures.items()]
        parts += [f"{path}: still rendering" for path in self.pending]
        super().__init__(
            f"not renewed: {'; '.join(parts)}. The pages are expired; last good copies,"
            " if there are any, are served until a render succeeds."
        )
