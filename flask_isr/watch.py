"""Notices what a sealed render reads of its request."""

from __future__ import annotations

import contextlib
import functools
import sys
import typing as t
from types import FrameType

from werkzeug.datastructures import EnvironHeaders
from werkzeug.datastructures import Headers
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from .reads import Kind
from .visit import active_capture

if t.TYPE_CHECKING:
    _Mapping = MultiDict[str, t.Any]
else:
    # Mixed into whichever class the application uses.
    _Mapping = object

# Where the environ has what is no header.
_ENVIRON: t.Final[t.Mapping[str, tuple[Kind, str | None]]] = {
    "AUTH_TYPE": ("header", "authorization"),
    "CONTENT_TYPE": ("header", "content-type"),
    "HTTP_HOST": ("host", ""),
    "QUERY_STRING": ("query", None),
    "RAW_URI": ("query", None),
    "REMOTE_ADDR": ("address", ""),
    "REMOTE_PORT": ("address", ""),
    "REMOTE_USER": ("header", "authorization"),
    "REQUEST_URI": ("query", None),
    "SERVER_NAME": ("host", ""),
    "SERVER_PORT": ("host", ""),
    "wsgi.url_scheme": ("scheme", ""),
}

# What Werkzeug took out of the environ when it made the request, or keeps of a first look:
# a later one shows nowhere else.
_ATTRIBUTES: t.Final[t.Mapping[str, tuple[Kind, str | None]]] = {
    "accept_languages": ("header", "accept-language"),
    "accept_mimetypes": ("header", "accept"),
    "access_route": ("address", ""),
    "authorization": ("header", "authorization"),
    "base_url": ("host", ""),
    "host": ("host", ""),
    "host_url": ("host", ""),
    "is_secure": ("scheme", ""),
    "query_string": ("query", None),
    "remote_addr": ("address", ""),
    "root_url": ("host", ""),
    "scheme": ("scheme", ""),
    "server": ("host", ""),
    "url": ("host", ""),
    "url_root": ("host", ""),
    "user_agent": ("header", "user-agent"),
}

# Where a request is made of an environ, and its attributes of each other.
_MAKERS = {"werkzeug.sansio.request", "werkzeug.wrappers.request"}


# Such as the proxy `flask.request`.
_PASSERS = {"werkzeug.local", "werkzeug.wsgi"}


class WatchedEnviron(dict[str, t.Any]):
    """The environ of a render: it notes which inputs are read of it.

    Werkzeug puts each request into its environ; what is read of the request is noted as
    well. That costs visitors' requests nothing, as a hook of the application would.
    """

    def copy(self) -> WatchedEnviron:
        """Another one: Werkzeug hands a copy to the application."""
        return WatchedEnviron(super().items())

    def __setitem__(self, key: str, value: t.Any) -> None:
        super().__setitem__(key, value)
        if isinstance(value, Request):
            _watch(value)

    def __getitem__(self, key: str) -> t.Any:
        _note_variable(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        _note_variable(key)
        return super().__contains__(key)

    def get(self, key: str, default: t.Any = None) -> t.Any:
        """As of any dictionary."""
        _note_variable(key)
        return super().get(key, default)

    def __iter__(self) -> t.Iterator[str]:
        _note("header", None)
        return super().__iter__()

    def keys(self) -> t.Any:
        """As of any dictionary."""
        _note("header", None)
        return super().keys()

    def values(self) -> t.Any:
        """As of any dictionary."""
        _note("header", None)
        return super().values()

    def items(self) -> t.Any:
        """As of any dictionary, and where ``request.headers`` are iterated."""
        _note("header", None)
        return super().items()


def _note_variable(key: object) -> None:
    found = _ENVIRON.get(key)  # type: ignore[call-overload]
    if found is None and isinstance(key, str) and key.startswith("HTTP_"):
        found = "header", key[5:].replace("_", "-").lower()
    if found is not None and _asked_by(2) not in _MAKERS:
        _note(*found)


def _asked_by(depth: int) -> str:
    """The module whose code is *depth* calls above this function's caller, but for what
    passes a question on."""
    frame: FrameType | None = sys._getframe(depth + 1)
    module = ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module not in _PASSERS:
            break
        frame = frame.f_back
    return module


def _note(kind: Kind, name: t.Any) -> None:
    capture = active_capture()
    if capture is not None:
        late = capture.view is not None and not capture.streaming
        capture.reads.note(kind, name, late=late)


class _Headers(EnvironHeaders):
    """Headers; other ways to ask for one end in the environ."""

    def getlist(self, key: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        # That of Werkzeug looks through all of them.
        value = self.get(key)
        if value is None:
            return []
        return Headers([(key, value)]).getlist(key, *args, **kwargs)


# For its repr.
_Headers.__name__ = EnvironHeaders.__name__


def _watch(request: Request) -> None:
    if type(request.headers) is EnvironHeaders:
        request.headers = _Headers(request.environ)
    _mix(_Parameters, request, "args")
    _mix(_Cookies, request, "cookies")
    with contextlib.suppress(Exception):
        plain: type = type(request)
        request.__class__ = _watched_class(plain)


def _mix(mixin: type, request: Request, name: str) -> None:
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


class _Attribute:
    """An attribute of a request whose reads are noted."""

    _owner: type

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner
        self._name = name
        self._noted = _ATTRIBUTES[name]

    def __get__(self, request: Request, owner: type) -> t.Any:
        if _asked_by(1) not in _MAKERS:
            _note(*self._noted)
        try:
            return getattr(super(self._owner, request), self._name)
        except AttributeError:
            if self._name not in vars(request):
                raise
            return vars(request)[self._name]

    def __set__(self, request: Request, value: t.Any) -> None:
        plain: t.Any = getattr(super(self._owner, self._owner), self._name, None)
        if hasattr(plain, "__set__"):
            plain.__set__(request, value)
        else:
            vars(request)[self._name] = value


@functools.lru_cache(maxsize=100)
def _watched_class(plain: type) -> type:
    attributes = {name: _Attribute() for name in _ATTRIBUTES}
    # Not by mixing in: instances could not change to a class with two bases.
    return type(
        plain.__name__,
        (plain,),
        {**attributes, "__slots__": (), "__module__": plain.__module__},
    )


def _whole(method: str) -> t.Any:
    def noted(self: _Values, *args: t.Any, **kwargs: t.Any) -> t.Any:
        _note(self._kind, None)
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
