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

from ..context import CAPTURE
from .reads import Kind
from .reads import Reads
from .reads import Stage

if t.TYPE_CHECKING:
    _Mapping = MultiDict[str, t.Any]
else:
    # The classes below are mixed into whichever class the application uses.
    _Mapping = object

_Input: t.TypeAlias = tuple[Kind, str | None]

_QUERY: t.Final[_Input] = ("query", None)
_HOST: t.Final[_Input] = ("host", "")
_ADDRESS: t.Final[_Input] = ("address", "")

# Keys of the environ that hold an input and are not named after a header.
_ENVIRON: t.Final[t.Mapping[str, _Input]] = {
    "AUTH_TYPE": ("header", "authorization"),
    "CONTENT_LENGTH": ("header", "content-length"),
    "CONTENT_TYPE": ("header", "content-type"),
    "HTTP_HOST": _HOST,
    "QUERY_STRING": _QUERY,
    "RAW_URI": _QUERY,
    "REMOTE_ADDR": _ADDRESS,
    "REMOTE_HOST": _ADDRESS,
    "REMOTE_PORT": _ADDRESS,
    "REMOTE_USER": ("header", "authorization"),
    "REQUEST_URI": _QUERY,
    "SERVER_NAME": _HOST,
    "SERVER_PORT": _HOST,
    # A body comes with a length or with a coding.
    "wsgi.input": ("header", "content-length"),
    "wsgi.url_scheme": ("scheme", ""),
}

# Keys of the environ that servers and frameworks keep for or say of themselves.
_INTERNAL = ("GATEWAY_INTERFACE", "SERVER_SOFTWARE", "flask", "werkzeug.", "wsgi.")

# Attributes whose values Werkzeug took from the environ when it made the request, or keeps
# after a first read: later reads do not reach the environ.
_ATTRIBUTES: t.Final[t.Mapping[str, tuple[_Input, ...]]] = {
    "accept_languages": (("header", "accept-language"),),
    "accept_mimetypes": (("header", "accept"),),
    "access_route": (_ADDRESS,),
    "authorization": (("header", "authorization"),),
    "base_url": (_HOST,),
    "full_path": (_QUERY,),
    "host": (_HOST,),
    "host_url": (_HOST,),
    "is_secure": (("scheme", ""),),
    "query_string": (_QUERY,),
    "remote_addr": (_ADDRESS,),
    "root_url": (_HOST,),
    "scheme": (("scheme", ""),),
    "server": (_HOST,),
    "url": (_HOST, _QUERY),
    "url_root": (_HOST,),
    "user_agent": (("header", "user-agent"),),
}

# Modules that make a request from an environ, and its attributes from each other.
_MAKERS = {"werkzeug.sansio.request", "werkzeug.wrappers.request"}

# Modules that pass a read on, such as the proxy `flask.request`.
_PASSERS = {"werkzeug.local", "werkzeug.wsgi"}

# Modules in which Flask has a request made.
_FLASK = {"flask.app", "flask.ctx"}

_REQUEST = "werkzeug.request"


class _Render(t.Protocol):
    """The part of the render that is used here."""

    reads: Reads

    @property
    def stage(self) -> Stage:
        """How far the render is."""


class WatchedEnviron(dict[str, t.Any]):
    """The environ of a render: it notes which inputs are read from it.

    Werkzeug puts each request into its environ, so that reads of the request are noted as
    well. This costs visitors' requests nothing, unlike a hook of the application.
    """

    def copy(self) -> WatchedEnviron:
        """A watched copy: Werkzeug hands a copy to the application."""
        return WatchedEnviron(super().items())

    def __setitem__(self, key: str, value: t.Any) -> None:
        super().__setitem__(key, value)
        if isinstance(value, Request):
            _watch(value)

    def __getitem__(self, key: str) -> t.Any:
        _note_variable(self, key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        _note_variable(self, key)
        return super().__contains__(key)

    def get(self, key: str, default: t.Any = None) -> t.Any:
        """As of any dictionary."""
        _note_variable(self, key)
        return super().get(key, default)

    def pop(self, key: str, *default: t.Any) -> t.Any:
        """As of any dictionary."""
        _note_variable(self, key)
        return super().pop(key, *default)

    def setdefault(self, key: str, default: t.Any = None) -> t.Any:
        """As of any dictionary."""
        _note_variable(self, key)
        return super().setdefault(key, default)

    def __iter__(self) -> t.Iterator[str]:
        _note(self, "header", None)
        return super().__iter__()

    def keys(self) -> t.Any:
        """As of any dictionary."""
        _note(self, "header", None)
        return super().keys()

    def values(self) -> t.Any:
        """As of any dictionary."""
        _note(self, "header", None)
        return super().values()

    def items(self) -> t.Any:
        """As of any dictionary; called also if ``request.headers`` are iterated."""
        _note(self, "header", None)
        return super().items()


def is_watched(request: Request) -> bool:
    """Whether reads of *request* are noted: its class may not allow that, or may have
    been given a copy of the environ."""
    return isinstance(request.environ, WatchedEnviron) and hasattr(
        type(request), "_isr_watched"
    )


def _note_variable(environ: WatchedEnviron, key: object) -> None:
    if not isinstance(key, str):
        return
    found = _ENVIRON.get(key)
    if found is None:
        if key.startswith("HTTP_"):
            found = "header", key[5:].replace("_", "-").lower()
        elif not (dict.__contains__(environ, key) or key.startswith(_INTERNAL)):
            # Servers and middleware may tell of visitors there.
            found = "variable", key
    if found is not None and not _makes_request(environ):
        _note(environ, *found)
        if key == "wsgi.input":
            _note(environ, "header", "transfer-encoding")


def _makes_request(environ: WatchedEnviron) -> bool:
    """Whether Flask is making the request of the render, for which it reads much."""
    if _asked_by(3, _PASSERS) not in _MAKERS:
        return False
    made = dict.__contains__(environ, _REQUEST)
    return not made or _asked_by(3, _PASSERS | _MAKERS) in _FLASK


def _asked_by(depth: int, passers: t.Collection[str]) -> str:
    """The module whose code is *depth* calls above this function's caller; *passers*,
    which only pass a read on, are skipped."""
    frame: FrameType | None = sys._getframe(depth + 1)
    module = ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module not in passers:
            break
        frame = frame.f_back
    return module


def _note(environ: dict[str, t.Any], kind: Kind, name: t.Any) -> None:
    # From the environ: the reading code may be on a thread that has no context.
    render: _Render | None = dict.get(environ, CAPTURE)
    if render is not None:
        render.reads.note(kind, name, render.stage)


class _Headers(EnvironHeaders):
    """Headers whose reads are noted; other ways to read one end in the environ."""

    def getlist(self, key: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        # The method of Werkzeug looks through all headers.
        value = self.get(key)
        if value is None:
            return []
        return Headers([(key, value)]).getlist(key, *args, **kwargs)


# For its repr.
_Headers.__name__ = EnvironHeaders.__name__


def _watch(request: Request) -> None:
    environ = request.environ
    # Without the render, what is read here is not noted: no code of the application asks.
    render = dict.pop(environ, CAPTURE, None)
    # If the application's own request class does not allow this, its pages are not stored.
    with contextlib.suppress(Exception):
        if type(request.headers) is EnvironHeaders:
            request.headers = _Headers(environ)
        _mix(_Parameters, request, "args")
        _mix(_Cookies, request, "cookies")
        plain: type = type(request)
        request.__class__ = _watched_class(plain)
    if render is not None:
        dict.__setitem__(environ, CAPTURE, render)


def _mix(mixin: type, request: Request, name: str) -> None:
    try:
        values = getattr(request, name)
    except Exception:
        # A class that makes such values itself may not be ready yet.
        return
    plain: type = type(values)
    values._isr_environ = request.environ
    values.__class__ = _mixed(mixin, plain)


@functools.lru_cache(maxsize=100)
def _mixed(mixin: type, plain: type) -> type:
    # Nothing shows that it is another class, not even its name in a repr.
    names = {"__slots__": (), "__module__": plain.__module__, "_plain": plain}
    return type(plain.__name__, (mixin, plain), names)


class _Attribute:
    """An attribute of a request whose reads are noted."""

    _owner: type

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner
        self._name = name
        self._noted = _ATTRIBUTES[name]

    def __get__(self, request: Request | None, owner: type) -> t.Any:
        if request is None:
            return getattr(super(self._owner, self._owner), self._name)
        if _asked_by(1, _PASSERS) not in _MAKERS:
            for kind, name in self._noted:
                _note(request.environ, kind, name)
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

    def __delete__(self, request: Request) -> None:
        # As with values that Werkzeug keeps after a first read.
        del vars(request)[self._name]


@functools.lru_cache(maxsize=100)
def _watched_class(plain: type) -> type:
    attributes = {name: _Attribute() for name in _ATTRIBUTES}
    # No mixin here: instances could not change to a class with two bases.
    return type(
        plain.__name__,
        (plain,),
        {
            **attributes,
            "__slots__": (),
            "__module__": plain.__module__,
            "_isr_watched": True,
        },
    )


def _whole(method: str) -> t.Any:
    def noted(self: _Values, *args: t.Any, **kwargs: t.Any) -> t.Any:
        _note(self._isr_environ, self._kind, None)
        return getattr(super(_Values, self), method)(*args, **kwargs)

    return noted


class _Values(_Mapping):
    """Parameters or cookies whose reads are noted; other ways to read one end here."""

    __slots__ = ()
    _kind: t.ClassVar[Kind]
    _plain: t.ClassVar[type]
    # A copy has none: making it is noted.
    _isr_environ: t.ClassVar[dict[str, t.Any]] = {}

    def __getitem__(self, key: t.Any) -> t.Any:
        _note(self._isr_environ, self._kind, key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        _note(self._isr_environ, self._kind, key)
        return super().__contains__(key)

    def getlist(self, key: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        _note(self._isr_environ, self._kind, key)
        return super().getlist(key, *args, **kwargs)

    __eq__ = _whole("__eq__")
    __ne__ = _whole("__ne__")
    __hash__ = _whole("__hash__")
    __or__ = _whole("__or__")
    __ror__ = _whole("__ror__")
    __reversed__ = _whole("__reversed__")
    __iter__ = _whole("__iter__")
    __len__ = _whole("__len__")
    keys = _whole("keys")
    values = _whole("values")
    items = _whole("items")
    lists = _whole("lists")
    listvalues = _whole("listvalues")

    def __reduce_ex__(self, protocol: t.SupportsIndex) -> t.Any:
        # It is pickled as the plain class that others know.
        return self._plain(self).__reduce_ex__(protocol)


class _Parameters(_Values):
    __slots__ = ()
    _kind = "query"


class _Cookies(_Values):
    __slots__ = ()
    _kind = "cookie"
