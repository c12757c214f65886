"""What a view writes to the session of its render."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import dataclass

from flask.sessions import SessionMixin

from .context import active_render
from .inputs.callsite import Caller
from .inputs.callsite import CallSites


class _Render(t.Protocol):
    """The part of the render that is used here."""

    writes: SessionWrites | None


@dataclass(frozen=True, slots=True)
class SessionWrite:
    """One key that was written.

    :param key: ``None`` if something changed and it is not known what.
    :param caller: the code that wrote it, if that was seen.
    """

    key: str | None
    caller: Caller | None = None


class SessionWrites:
    """Follows what is written to *session* from now on.

    Sessions are compared as mappings: those of libraries may be falsy though they hold
    something, and need not tell that they were modified.
    """

    def __init__(self, session: SessionMixin | None, places: CallSites) -> None:
        self._session = session
        self._places = places
        self._before = {} if session is None else dict(session)
        self._was_modified = session is not None and session.modified
        self._callers: dict[str, Caller | None] = {}
        #: Key to value of the writes that :meth:`undo` took back.
        self.undone: dict[str, t.Any] = {}
        with contextlib.suppress(Exception):
            # If its class does not allow this, only the keys of the writes are known.
            plain: type = type(session)
            session.__class__ = _watched(plain)

    def note(self, key: object) -> None:
        """Note that *key* is being written."""
        if isinstance(key, str) and key not in self._callers:
            self._callers[key] = self._places.caller()

    def found(self) -> list[SessionWrite]:
        """What was written, each key once."""
        session = self._session
        if session is None:
            return []
        now = dict(session)
        keys = dict.fromkeys(self._callers)
        keys |= dict.fromkeys(
            key
            for key in {**self._before, **now}
            if key not in now
            or key not in self._before
            or not _equal(now[key], self._before[key])
        )
        if not keys and session.modified and not self._was_modified:
            return [SessionWrite(None)]
        return [SessionWrite(key, self._callers.get(key)) for key in keys]

    def undo(self) -> None:
        """Restore the session as it was, so that no cookie is set for it."""
        session = self._session
        if session is None:
            return
        for write in self.found():
            if write.key is None:
                continue
            if write.key in session:
                self.undone[write.key] = session.pop(write.key)
            if write.key in self._before:
                session[write.key] = self._before[write.key]
        self._callers.clear()
        session.modified = self._was_modified

    def stop(self) -> None:
        """Give the session its own class back: it is about to be saved."""
        session = self._session
        plain = getattr(session, "_isr_plain", None)
        if plain is not None:
            session.__class__ = plain


def _equal(one: object, two: object) -> bool:
    try:
        return bool(one == two)
    except Exception:
        return one is two


def _note(keys: t.Iterable[object]) -> None:
    render = t.cast("_Render | None", active_render())
    if render is not None and render.writes is not None:
        for key in keys:
            render.writes.note(key)


@functools.lru_cache(maxsize=100)
def _watched(plain: t.Any) -> type:
    """A subclass of the session class *plain* whose writes are noted."""

    def set_item(self: t.Any, key: t.Any, value: t.Any) -> None:
        _note([key])
        plain.__setitem__(self, key, value)

    def set_default(self: t.Any, key: t.Any, default: t.Any = None) -> t.Any:
        if key not in self:
            _note([key])
        return plain.setdefault(self, key, default)

    def update(self: t.Any, *args: t.Any, **kwargs: t.Any) -> None:
        _note(dict(*args, **kwargs))
        plain.update(self, *args, **kwargs)

    names = {
        "__slots__": (),
        "__module__": plain.__module__,
        "__setitem__": set_item,
        "setdefault": set_default,
        "update": update,
        "_isr_plain": plain,
    }
    return type(plain.__name__, (plain,), names)
