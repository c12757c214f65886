"""What a visitor asks the Engine, and what it answers."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .entry import Entry
from .entry import Level
from .key import PageKey
from .outcome import PerVisitor
from .outcome import SealedError

#: ``HIT``: fresh from the store; ``STALE``: not fresh, served all the same; ``MISS``:
#: rendered for this visitor, or for another who asked at the same time.
CacheState: t.TypeAlias = t.Literal["HIT", "STALE", "MISS"]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page as a visitor asks for it.

    :param tags: the tags known before it is rendered.
    :param declared: names of the query parameters that tell its variants apart.
    :param level: the serving level that the visitor needs; ``None``: any.
    """

    key: PageKey
    tags: frozenset[str]
    declared: tuple[str, ...] = ()
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class ServeEntry:
    """Send *entry*.

    :param detail: why it is in that state: ``"error"``, ``"timeout"``, ``"collapsed"``,
        ``"off"``.
    :param stored: whether *entry* could be written to the store.
    :param forward: why it had to be rendered, as RFC 9211 (section 2.2) calls it: nothing
        was stored, or what was could not be served.
    """

    entry: Entry
    state: CacheState
    detail: str | None = None
    stored: bool = True
    forward: t.Literal["uri-miss", "stale"] = "uri-miss"


@dataclass(frozen=True, slots=True)
class RunView:
    """Let the view answer the visitor's own request; its answer is not stored.

    :param strangers_fail: nothing is stored and the sealed render failed: should the view
        succeed, the page works for its visitors only.
    """

    reason: str
    strangers_fail: bool = False


@dataclass(frozen=True, slots=True)
class SendError:
    """Send the error answer of the render that everybody waited for."""

    error: SealedError


Decision: t.TypeAlias = ServeEntry | RunView | SendError


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds.

    :param render: a render's lease.
    :param wait: how long one waits for a render while a last good page is at hand.
    :param stale_if_error: how long past its ``expire`` a page that fails may be served;
        ``None``: for ever.
    """

    render: float
    wait: float
    stale_if_error: float | None = None


class Observer(t.Protocol):
    """Hears what the Engine did, on the thread that did it. Must not raise."""

    def rendered(self, entry: Entry) -> None:
        """A page was rendered and written."""

    def failed(self, key: PageKey, cause: str) -> None:
        """A render broke; the last good page stays."""

    def not_static(self, key: PageKey, verdict: PerVisitor) -> None:
        """A page turned out not to be the same for everybody."""

    def declined(self, key: PageKey, reason: str) -> None:
        """A render gave an answer that is not stored, and is no failure either."""

    def stale_served(self, entry: Entry) -> None:
        """A visitor got a page that is not fresh."""
