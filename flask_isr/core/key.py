"""The identity of a page."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass
from dataclasses import field
from urllib.parse import unquote_to_bytes
from urllib.parse import urlencode

#: A prefix deeper than this is invalidated by its first segments: more than was asked
#: for, never less, so that one page has a bounded number of tags.
PREFIX_LEVELS = 32


@dataclass(frozen=True, slots=True)
class PageKey:
    """Which page it is: a structured value, never a joined string.

    :param rule: the URL rule as written in the route (``/blog/<slug>``).
    :param path: the canonical path with the mount prefix, percent-encoded as ``url_for``
        returns it; ASCII, so it is safe in logs.
    :param query: the declared query parameters as ``(name, value)``, sorted by name.
    :param namespace: tells applications apart that share a store.
    :param host: the name of the host, for an application that tells hosts apart.
    :param view: what makes it: endpoint and name of the view.
    """

    rule: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    namespace: str = ""
    host: str = ""
    view: str = ""
    #: 63-bit hash, the row number in a store. Whoever reads by it compares the whole key.
    id: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        text = json.dumps(self.to_json())
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        object.__setattr__(self, "id", int.from_bytes(digest, "big") >> 1)

    @property
    def path_info(self) -> str:
        """The whole path as a WSGI server would spell it: bytes decoded as latin-1."""
        return unquote_to_bytes(self.path).decode("latin-1")

    @property
    def variants_key(self) -> str:
        """Where :class:`.LocalCache` keeps the page: host and path of its request."""
        return variants_key_of(self.path_info, self.host or None)

    def __str__(self) -> str:
        """Path and query, percent-encoded and so safe in logs; with the host where hosts
        are told apart."""
        place = f"//{self.host}{self.path}" if self.host else self.path
        return f"{place}?{urlencode(self.query)}" if self.query else place

    def to_json(self) -> list[t.Any]:
        """The key as JSON lists and strings; :meth:`from_json` turns it back."""
        pairs = [list(pair) for pair in self.query]
        return [self.rule, self.path, pairs, self.namespace, self.host, self.view]

    @classmethod
    def from_json(cls, value: t.Any) -> PageKey:
        """The key that :meth:`to_json` wrote."""
        rule, path, query, namespace, host, view = value
        pairs = tuple((str(name), str(value)) for name, value in query)
        return cls(str(rule), str(path), pairs, str(namespace), str(host), str(view))

    @property
    def own_tags(self) -> tuple[str, str]:
        """The tags of this page alone: its path, and this variant of it."""
        return path_tag(self.path), variant_tag(self)

    @property
    def implicit_tags(self) -> frozenset[str]:
        """The tags that every page has by being where it is."""
        return frozenset(
            (*self.own_tags, rule_tag(self.rule), *_prefix_tags(self.path))
        )


def variants_key_of(path_info: str, host: str | None = None) -> str:
    """What :class:`.LocalCache` calls a place; no two places are called the same.

    :param host: ``None`` where hosts are not told apart.
    """
    # No host has such a character. A path may lack its slash: `a` and `.test/x` would be
    # `a.test` and `/x`.
    return path_info if host is None else f"{host}\0{path_info}"


def path_tag(path: str) -> str:
    """The tag of all variants of one page."""
    return f"path:{path}"


def variant_tag(key: PageKey) -> str:
    """The tag of one page with one set of query values, on all hosts and of whichever
    application: who invalidates it may be configured otherwise than who serves it."""
    return f"variant:{PageKey(key.rule, key.path, key.query).id}"


def rule_tag(rule: str) -> str:
    """The tag of all pages of one URL rule."""
    return f"rule:{rule}"


def prefix_tag(path: str) -> str:
    """The tag of all pages at and below *path*, by whole segments."""
    return _prefix_tags(path)[-1]


def user_tag(tag: str) -> str:
    """The tag that the application named *tag*, kept apart from the implicit ones."""
    return f"tag:{tag}"


def user_tags(tags: t.Iterable[str]) -> list[str]:
    """The application's own names among *tags*, sorted."""
    return sorted(tag[4:] for tag in tags if tag.startswith("tag:"))


def _prefix_tags(path: str) -> list[str]:
    segments = path.strip("/").split("/")[:PREFIX_LEVELS]
    tags = ["prefix:/"]
    place = ""
    for segment in segments:
        place += f"/{segment}"
        tags.append(f"prefix:/{place.strip('/')}")
    return tags
