"""The rules that serve static pages, and the page that a path is."""

from __future__ import annotations

import contextlib
import logging
import typing as t
from dataclasses import dataclass
from urllib.parse import quote
from urllib.parse import unquote_to_bytes
from urllib.parse import urlsplit

from werkzeug.routing import RequestRedirect
from werkzeug.routing import Rule

from ..compat import build_path
from ..core.decision import PageRequest
from ..core.entry import Level
from ..core.key import PageKey
from ..errors import ConfigurationError
from ..errors import NotAStaticPage
from ..http.host import host_of
from ..http.query import declared_query
from .decorator import StaticPage
from .decorator import page_of
from .hosts import Hosts
from .identity import digest_of_given
from .identity import given_text
from .identity import view_name

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask import Flask

logger = logging.getLogger("flask_isr")

# Longer paths are answered by Flask, and are never stored.
PATH_LENGTH = 1024

# A router may redirect to a canonical path, which redirects no more.
_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Match:
    """A path that a static page serves.

    :param values: the URL values, converted.
    :param path: the canonical path with the mount prefix, percent-encoded.
    :param namespace: the application whose page it is; see :attr:`.PageKey.namespace`.
    :param host: its host; ``""`` if hosts are not told apart, or none was named.
    :param view: the view that makes it; see :attr:`.PageKey.view`.
    """

    page: StaticPage
    endpoint: str
    rule: Rule
    values: t.Mapping[str, t.Any]
    path: str
    namespace: str = ""
    host: str = ""
    view: str = ""

    def key(self, query: tuple[tuple[str, str], ...] = ()) -> PageKey:
        """The key of the page with these query parameters."""
        return PageKey(
            self.rule.rule, self.path, query, self.namespace, self.host, self.view
        )


class Routes:
    """The static pages of one application, read at its first request.

    :param prefix: the mount prefix that canonical paths begin with.
    :param namespace: tells applications apart that share a store.
    """

    def __init__(self, app: Flask, prefix: str, namespace: str = "") -> None:
        self.prefix = prefix
        self.namespace = namespace
        #: Endpoint to page.
        self.pages: dict[str, StaticPage] = {}
        self._rules: list[Rule] = []
        #: Endpoints whose view has another decorator above @static_page.
        self.wrapped: set[str] = set()
        self._find_pages(app)
        self._views = {
            endpoint: view_name(endpoint, app.view_functions[endpoint], page.view)
            for endpoint, page in self.pages.items()
        }
        #: View to a digest of what its factory gave it.
        self.given = {
            self._views[endpoint]: digest_of_given(page.view)
            for endpoint, page in self.pages.items()
        }
        self._hosts = Hosts(app, prefix, needed=bool(self.pages))
        self.ported = self._hosts.ported
        for endpoint in self.pages:
            for rule in app.url_map.iter_rules(endpoint):
                self._add(rule)

    def _find_pages(self, app: Flask) -> None:
        views = app.view_functions
        held = set(map(id, views.values()))
        for endpoint, view in list(views.items()):
            found = page_of(view)
            if found is None:
                continue
            page, wrapper = found
            if view is page.view:
                # Flask holds the view below the decorator. If it holds the decorated one
                # too, that was meant so; if not, @static_page stands above @app.get.
                if id(wrapper) in held:
                    continue
                views[endpoint] = wrapper
            elif view is not wrapper:
                self.wrapped.add(endpoint)
            self.pages[endpoint] = page

    def _add(self, rule: Rule) -> None:
        page = self.pages[rule.endpoint]
        if rule.subdomain and not self._hosts.matched:
            raise ConfigurationError(
                f"the static page {rule.endpoint!r} (rule {rule.rule!r}) is on a subdomain,"
                " which Flask does not look at: create the application with"
                " Flask(…, subdomain_matching=True)."
            )
        if rule.methods is not None and "GET" not in rule.methods:
            logger.warning(
                "%r has @static_page, but its rule %r does not answer GET: nothing of it is"
                " stored. Add GET to its methods, or take @static_page off.",
                rule.endpoint,
                rule.rule,
            )
        missing = page.tag_fields - rule.arguments
        if missing:
            raise ConfigurationError(
                f"the static page {rule.endpoint!r} has tags with {_braced(missing)},"
                f" which its rule {rule.rule!r} does not have."
            )
        self._rules.append(rule)
        self._hosts.add(rule)

    @property
    def views(self) -> set[str]:
        """The views that make pages, each as in :attr:`.PageKey.view`."""
        return set(self._views.values())

    def view_of(self, endpoint: str) -> str:
        """The view that makes the pages of *endpoint*; see :attr:`.PageKey.view`."""
        return self._views[endpoint]

    def rules_of(self, endpoint: str) -> list[Rule]:
        """The rules of one static page."""
        return [rule for rule in self._rules if rule.endpoint == endpoint]

    def values_of(self, page: StaticPage) -> set[str]:
        """Names of the URL values in the rules of *page*."""
        rules = (rule for rule in self._rules if self.pages[rule.endpoint] is page)
        return {name for rule in rules for name in rule.arguments}

    def has_rule(self, rule: str) -> bool:
        """Whether *rule*, as written in a route, serves a static page."""
        return any(rule == known.rule for known in self._rules)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of pages that are known by name; ``("",)`` if hosts are not told
        apart."""
        return self._hosts.names

    def match(self, path_info: str, host: str = "") -> Match | None:
        """The static page at a decoded path below the mount prefix, if there is one.

        :param host: the host, if hosts are told apart; ``""`` looks on all of them.
        """
        for _ in range(_REDIRECTS):
            try:
                rule, values = self._hosts.router(host).match(
                    path_info, method="GET", return_rule=True
                )
            except RequestRedirect as redirect:
                path = _decoded(urlsplit(redirect.new_url).path)
                if path is None or not path.startswith(self.prefix):
                    return None
                path_info = path[len(self.prefix) :]
            except Exception:
                # Not found, or a converter of the application's raised: Flask answers.
                return None
            else:
                match = self._matched(rule, values, host)
                return match if match and self._leads_back(match, path_info) else None
        return None

    def _leads_back(self, match: Match, path_info: str) -> bool:
        """Whether the canonical path of *match* means what was asked for.

        A converter of the application's may not turn its values back into the same path:
        if it does not quote, ``%2541`` becomes the path of another page.
        """
        path = self._below_prefix(match)
        if path == path_info:
            return True
        try:
            rule, values = self._hosts.router(match.host).match(
                path, method="GET", return_rule=True
            )
            return rule is match.rule and values == match.values
        except Exception:
            return False

    def _below_prefix(self, match: Match) -> str:
        return unquote_to_bytes(match.path[len(self.prefix) :]).decode()

    def _matched(
        self, rule: Rule, values: t.Mapping[str, t.Any], host: str
    ) -> Match | None:
        page = self.pages.get(rule.endpoint)
        try:
            path = build_path(rule, values)
        except Exception:
            return None
        if page is None or path is None or not path.startswith("/"):
            return None
        path = self.prefix + path
        if len(path) > PATH_LENGTH or not _plain(path):
            return None
        view = self._views[rule.endpoint] + given_text(rule.defaults)
        return Match(
            page, rule.endpoint, rule, values, path, self.namespace, host, view
        )

    def match_request(self, environ: WSGIEnvironment) -> Match | None:
        """The static page that a request asks for, if it can be told apart by its path.

        The rule is matched again: a URL preprocessor may have taken values away from the
        view's arguments, and the canonical path needs them all.
        """
        asked = self._asked(environ)
        return None if asked is None else self.match(*asked)

    def accepts(self, environ: WSGIEnvironment) -> bool:
        """Whether the application has a view for a request just as it is spelled."""
        asked = self._asked(environ)
        if asked is None:
            return False
        path, host = asked
        try:
            self._hosts.router(host).match(path, environ["REQUEST_METHOD"])
        except Exception:
            # Not found, a redirect, or a converter of the application's.
            return False
        return True

    def _asked(self, environ: WSGIEnvironment) -> tuple[str, str] | None:
        raw = environ.get("PATH_INFO", "").encode("latin-1")
        try:
            path = raw.decode()
        except UnicodeDecodeError:
            return None
        if not self._hosts.matched:
            return path, ""
        host = host_of(environ)
        return (path, host) if host else None

    def match_url(self, url: str, host: str = "") -> tuple[Match, str]:
        """The static page at *url*, a path as ``url_for`` returns it, and its query.

        :param host: as for :meth:`match`.
        :raises NotAStaticPage: if no static page serves it.
        """
        path, _, query = url.partition("?")
        decoded = _decoded(path)
        if decoded is None:
            raise NotAStaticPage(url, "it is not valid UTF-8")
        if not f"{decoded}/".startswith(f"{self.prefix}/"):
            raise NotAStaticPage(url, self.outside())
        match = self.match(decoded[len(self.prefix) :] or "/", host)
        if match is None:
            raise NotAStaticPage(url)
        return match, query

    def outside(self) -> str:
        """Why a path that is not below the mount prefix is not a page."""
        if not self.prefix:
            return "it is not a path from '/' on"
        return (
            f"it is not below {self.prefix!r}, the mount prefix by ISR_ORIGIN, or by"
            " APPLICATION_ROOT if that is not set"
        )

    def everywhere(self, match: Match) -> t.Iterator[Match]:
        """*match* on each host that is known by name, if it names no host itself."""
        if match.host or not self._hosts.matched:
            yield match
            return
        for host in self._hosts.names:
            with contextlib.suppress(NotAStaticPage):
                yield self.match_url(match.path, host)[0]

    def canonical_prefix(self, path: str) -> str | None:
        """The beginning of the canonical paths of pages below *path*; ``None`` if that is
        outside of the mount prefix."""
        decoded = _decoded(path)
        if decoded is None or not f"{decoded.rstrip('/')}/".startswith(
            f"{self.prefix}/"
        ):
            return None
        # The router's own safe characters: canonical paths are spelled with these.
        return quote(decoded, safe="!$&'()*+,/:;=@")

    def match_key(self, key: PageKey) -> Match | None:
        """The static page that *key* is a key of, if the application still has it."""
        decoded = _decoded(key.path)
        if decoded is None or not decoded.startswith(self.prefix):
            return None
        match = self.match(decoded[len(self.prefix) :], key.host)
        if match is None:
            return None
        found = match.rule.rule, match.namespace, match.view
        return match if found == (key.rule, key.namespace, key.view) else None


def is_fixed(rule: Rule) -> bool:
    """Whether *rule* has one page alone: each of its arguments has a default."""
    return rule.arguments <= (rule.defaults or {}).keys()


def key_of(match: Match, query_string: str = "") -> PageKey | None:
    """The key of a page: declared parameters count, in any order.

    :param query_string: as in WSGI, bytes decoded as latin-1.
    :return: ``None`` if there are too many parameters.
    :raises Exception: what the page's own ``query`` callable raises, or an error for names
        that it may not return.
    """
    query = declared_query(query_string, match.page.declared())
    return None if query is None else match.key(query)


def key_of_url(match: Match, query: str) -> PageKey:
    """The key of a page that a person or a program named by its URL.

    :raises ConfigurationError: if the query has too many values.
    """
    key = key_of(match, query.encode().decode("latin-1"))
    if key is None:
        raise ConfigurationError(f"the query of {match.path!r} has too many values.")
    return key


def page_request_of(
    match: Match, key: PageKey, level: Level | None = None
) -> PageRequest:
    """The request for *key* that the engine is asked with."""
    tags = key.implicit_tags | match.page.tags_for(match.values)
    return PageRequest(key, tags, match.page.declared(), level)


def _decoded(path: str) -> str | None:
    try:
        return unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return None


def _plain(path: str) -> bool:
    decoded = _decoded(path)
    return decoded is not None and decoded.isprintable() and "\ufffd" not in decoded


def _braced(names: t.Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))
