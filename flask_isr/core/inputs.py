"""What a render looked at in its request, and a page does not carry in its key."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

#: Inputs that an entry remembers at most. A page with more is not stored.
MOST: t.Final = 16

#: Headers that tell of a body.
OF_BODIES: t.Final = {"content-length", "content-type", "transfer-encoding"}

# Names of fields that are not spelled as others are.
_SPELLED = {"dnt": "DNT", "hx-request": "HX-Request", "x-api-key": "X-API-Key"}

_NAMES: t.Final = ("headers", "cookies", "query", "variables", "declared")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a request that decided what a page shows.

    A request that brings none of them gets the same render, since it takes the same way
    through the code. One that brings any of them may get another.

    :param headers: names of fields, in lower case.
    :param cookies: names of cookies.
    :param query: names of parameters that the page does not declare.
    :param variables: names in the WSGI environ that are no headers.
    :param whole_query: whether the page depends on any parameter that is sent, but for
        those in *declared*.
    :param accept: the media type that the render chose by ``Accept``; ``""``: it did not
        look at that.
    :param origin: scheme and host that the render saw or shows, such as
        ``"https://example.com"``; ``""``: the page is the same for all.
    """

    headers: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    whole_query: bool = False
    declared: tuple[str, ...] = ()
    accept: str = ""
    origin: str = ""

    def __len__(self) -> int:
        """How many there are."""
        names = [*self.headers, *self.cookies, *self.query, *self.variables]
        return len(names) + self.whole_query + bool(self.accept) + bool(self.origin)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self != NONE

    def to_json(self) -> dict[str, t.Any] | None:
        """What there is, as JSON; ``None`` for nothing."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in found.items() if value} or None

    @classmethod
    def from_json(cls, value: t.Any) -> Inputs:
        """What :meth:`to_json` wrote.

        :raises ValueError: for anything else.
        """
        if value is None:
            return NONE
        if not isinstance(value, dict) or not value.keys() <= set(cls.__slots__):
            raise ValueError("inputs of another kind")
        names = {name: tuple(value.get(name, ())) for name in _NAMES}
        texts = [name for listed in names.values() for name in listed]
        accept, origin = value.get("accept", ""), value.get("origin", "")
        if not all(isinstance(text, str) for text in [*texts, accept, origin]):
            raise ValueError("an input without a name")
        return cls(
            **names,
            whole_query=bool(value.get("whole_query")),
            accept=accept,
            origin=origin,
        )


#: Nothing was looked at: the page is the same for all.
NONE: t.Final = Inputs()


def field_name(name: str) -> str:
    """The *name* of a header, given in lower case, as people write it."""
    return _SPELLED.get(name, name.title())
