"""Warns of different applications of the same code that use one store."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import typing as t
from dataclasses import dataclass

from ..core.entry import DAMAGE
from ..core.store import Store
from .application import Application
from .identity import digest_of_configuration
from .identity import is_surrounding

logger = logging.getLogger("flask_isr")

# At most so many of the names that differ are told.
_TOLD = 5

# At most so many settings are remembered of one application.
_NAMES = 1000


@dataclass(frozen=True, slots=True)
class Twin:
    """An application of the same code and build that differs in something else.

    :param names: the names of what differs.
    :param at: the store's time when the application was met last, in seconds.
    """

    names: tuple[str, ...]
    at: float

    def __str__(self) -> str:
        more = len(self.names) - _TOLD
        names = ", ".join(self.names[:_TOLD])
        told = f"{names} and {more} more" if more > 0 else names
        if all(map(is_surrounding, self.names)):
            return (
                f"with other values in its views, at the same build: {told}. There is one"
                " place for a page of both. Of text and numbers each renders anew what the"
                " other rendered; of anything else they may get each other's pages. If"
                " these are two sites, set ISR_APP_ID to a name for each; if a value"
                " differs in each process, keep it out of the function that makes the"
                " view."
            )
        return (
            f"with another configuration, at the same build: {told}. Each configuration has"
            " pages of its own. If one value differs in each process, keep it out of"
            " app.config, or set ISR_APP_ID; if these are two sites, set ISR_APP_ID to a"
            " name for each; if the configuration was changed, there is nothing to do, and"
            " 'flask isr clear' ends this."
        )


class Twins:
    """Remembers in the store which applications of this code look into it.

    Each configuration has pages of its own, by :attr:`.Application.name`. That is right
    for two sites, and wrong if a value differs in each process of one site: no process
    would find the pages of another. Values that views have from their factory make no
    pages of their own: each application refuses the other's pages. The application that is
    met second logs a warning.
    """

    def __init__(self, application: Application, store: Store) -> None:
        self._application = application
        self._store = store

    def meet(self) -> None:
        """Have the store remember this application, and warn if another was met last;
        called at the first look into the store.

        :raises StoreUnavailable: if the store does not take it.
        """
        if not self._application.told_by_configuration:
            return
        values = self._values
        before = self._store.meet(self._name, self._id, _note(values, self._store))
        # A changed configuration is met again and again, and is reported once.
        if before and before[-1][0] != self._id:
            twin = _twin(before[-1][1], values)
            if twin is not None:
                name = self._application.app.name
                logger.warning(
                    "the application %r was seen in this store %s", name, twin
                )

    def others(self) -> list[Twin]:
        """The other configurations that were met with this code, the last one first.

        :raises StoreUnavailable: if the store does not say.
        """
        if not self._application.told_by_configuration:
            return []
        values = self._values
        met = reversed(self._store.met(self._name))
        twins = [_twin(note, values) for id, note in met if id != self._id]
        return [twin for twin in twins if twin is not None]

    @property
    def _name(self) -> str:
        # Another configuration together with another build is an ordinary deployment.
        return f"{self._application.shared_name} {self._application.build.id}"

    @property
    def _id(self) -> str:
        return digest_of_configuration(self._values)

    @property
    def _values(self) -> dict[str, str]:
        return {**self._application.configuration, **self._application.surroundings}


def _note(values: t.Mapping[str, str], store: Store) -> str:
    """The text that the store keeps: a salted digest of each value, which can only be
    compared."""
    salt = secrets.token_hex(8)
    names = sorted(values)[:_NAMES]
    digests = {name: _digest(salt, values[name]) for name in names}
    return json.dumps([salt, store.now(), digests])


def _digest(salt: str, value: str) -> str:
    key = salt.encode()
    return hashlib.blake2b(value.encode(), digest_size=6, key=key).hexdigest()


def _twin(note: str, values: t.Mapping[str, str]) -> Twin | None:
    """The application of *note*, with what differs; ``None`` if *note* is damaged."""
    try:
        salt, at, digests = json.loads(note)
        ours = {name: _digest(str(salt), text) for name, text in values.items()}
        names = {*ours, *digests}
        differ = sorted(name for name in names if ours.get(name) != digests.get(name))
        return Twin(tuple(map(str, differ)), float(at))
    except DAMAGE:
        return None
