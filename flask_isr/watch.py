"""Notices what a sealed render reads of its request."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from werkzeug.datastructures import EnvironHeaders
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from .reads import Kind
from .visit import active_capture

if t.TYPE_CHECKING:
    _Mapping = MultiDict[str, t.Any]
else:
    # Mixed into whichever class the application uses.
    _Mapping = object

# By their names in lower case.
_HEADERS = {
    name.lower(): name
    for name in (
        "Accept",
        "Accept-Language",
        "Authorization",
        "Cookie",
        "HX-Request",
        "User-Agent",
        "X-Requested-With",
    )
}


class WatchedEnviron(dict[str, t.Any]):
    """The environ of a render: the request that is made of it is watched.

    Werkzeug puts each request into its environ. That costs visitors' requests nothing, as
    a hook of the application would.
    """

    def copy(self) -> WatchedEnviron:
        """Another one: Werkzeug hands a copy to the application."""
        return WatchedEnviron(self)

    def __setitem__(self, key: str, value: t.Any) -> None:
        super().__setitem__(key, value)
        if isinstance(value, Request):
            _watch(value)


def _watch(request: Request) -> None:
    _put(_Parameters, request, "args")
    _put(_Cookies, request, "cookies")
    if type(request.headers) is EnvironHeaders:
        request.headers = _Headers(request.environ)


def _put(mixin: type, request: Request, name: str) -> None:
    # What the application's own class of requests does not let happen goes unwatched.
    with contextlib.suppress(Exception):
        values = getattr(request, name)
        plain: type = type(values)
        values.__class__ = _mixed(mixin, plain)


@functools.lru_cache(maxsize=100)
def _mixed(mixin: type, plain: type) -> type:
    # Nothing shows that it is another class, its name in a repr included.
    names = {"__slots__": (), "__module__": plain.__module__, "_plain": plain}
    return type(plain.__name__, (mixin, plain), names)


def _note(kind: Kind, name: t.Any = None) -> None:
    capture = active_capture()
    if capture is not None:
        capture.reads.note(kind, name, late=capture.view is not None)


def _whole(method: str) -> t.Any:
    def noted(self: _Values, *args: t.Any, **kwargs: t.Any) -> t.Any:
        _note(self._kind)
        return getattr(super(_Values, self), method)(*args, **kwargs)

    return noted


class _Values(_Mapping):
    """Parameters or cookies; other ways to ask for one end in these."""

    __slots__ = ()
    _kind: t.ClassVar[Kind]
    _plain: t.ClassVar[type]

    def __getitem__(self, key: t.Any) -> t.Any:
        _note(self._kind, key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        _note(self._kind, key)
        return super().__contains__(key)

    def getlist(self, key: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        _note(self._kind, key)
        return super().getlist(key, *args, **kwargs)

    __iter__ = _whole("__iter__")
    __len__ = _whole("__len__")
    keys = _whole("keys")
    values = _whole("values")
    items = _whole("items")
    lists = _whole("lists")
    listvalues = _whole("listvalues")

    def __reduce_ex__(self, protocol: t.SupportsIndex) -> t.Any:
        # Pickled as what it is to everybody else.
        self.__class__ = self._plain
        return self.__reduce_ex__(protocol)


class _Parameters(_Values):
    __slots__ = ()
    _kind = "query"


class _Cookies(_Values):
    __slots__ = ()
    _kind = "cookie"


class _Headers(EnvironHeaders):
    """Headers; the request's properties, such as ``accept_languages``, ask here."""

    def __getitem__(self, key: t.Any) -> t.Any:
        _note_header(key)
        return super().__getitem__(key)

    def __contains__(self, key: t.Any) -> bool:
        _note_header(key)
        return super().__contains__(key)

    def get(self, key: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        _note_header(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        _note_header(key)
        return super().getlist(key, *args, **kwargs)


# For its repr.
_Headers.__name__ = EnvironHeaders.__name__


def _note_header(key: t.Any) -> None:
    if isinstance(key, str):
        name = _HEADERS.get(key.lower().replace("_", "-"))
        if name is not None:
            _note("header", name)
