"""Header fields as WSGI has them: a list of names and values."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

HeaderList: t.TypeAlias = list[tuple[str, str]]

# Found at any place: people write `private; max-age=0`, which no parser understands.
_FORBIDS_SHARING = re.compile(r"(?<![\w-])(?:private|no-store)(?![\w-])")

# Headers that some caches obey instead of Cache-Control; RFC 9213 has names for more.
_OF_SOME_CACHES = {"edge-control", "expires", "surrogate-control", "x-accel-expires"}


def gives_lifetime(name: str) -> bool:
    """Whether the field *name* may tell some cache how long to keep an answer."""
    lower = name.lower()
    # Also CDN-Cache-Control, and names with the prefix of a single CDN.
    return lower.endswith("cache-control") or lower in _OF_SOME_CACHES


def forbids_sharing(control: str) -> str | None:
    """The word by which a ``Cache-Control`` keeps an answer from shared caches, if any."""
    found = _FORBIDS_SHARING.search(control.lower())
    return None if found is None else found[0]


def joined(headers: t.Iterable[tuple[str, str]], wanted: str) -> str:
    """The values of all fields called *wanted*, which is in lower case, as one."""
    return ", ".join(value for name, value in headers if name.lower() == wanted)


def with_names(listed: str, names: t.Iterable[str]) -> str:
    """*listed*, field names as in ``Vary``, and those of *names* that it lacks."""
    known = {name.strip().lower() for name in listed.split(",")}
    missing = [name for name in names if name.lower() not in known]
    return ", ".join([listed, *missing] if listed else missing)


def directives(control: str) -> set[str]:
    """The names of the directives in a ``Cache-Control``, in lower case."""
    return {item.partition("=")[0].strip().lower() for item in control.split(",")}


def forbid_storing(start_response: StartResponse) -> StartResponse:
    """A ``start_response`` that says ``no-store``, whatever views and hooks said."""

    def start(
        status: str, headers: list[tuple[str, str]], *exc_info: t.Any
    ) -> t.Callable[[bytes], object]:
        others = [pair for pair in headers if not gives_lifetime(pair[0])]
        return start_response(
            status, [*others, ("Cache-Control", "no-store")], *exc_info
        )

    return start
