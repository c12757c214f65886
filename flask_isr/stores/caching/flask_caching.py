"""Backends of Flask-Caching as places for pages: where they come from.

Imported only if one of them keeps pages, since it imports Flask-Caching.
"""

from __future__ import annotations

import typing as t

from cachelib.serializers import BaseSerializer
from flask import Flask
from flask_caching import Cache
from werkzeug.utils import ImportStringError

from ...errors import ConfigurationError
from .backend import CacheBackend

# SimpleCache drops by number, not by bytes; a page takes about four values.
_SIMPLE_VALUES = 20_000


# Class name of a backend that cannot keep pages, to the reason.
_USELESS = {
    "NullCache": "which keeps nothing",
    "SpreadSASLMemcachedCache": "whose add() and get() use different keys",
}


class BytesSerializer(BaseSerializer):
    """Bytes as they are, and the numbers that FileSystemCache counts its files with.

    Nothing is ever unpickled: who can write to the backend can alter pages, not run code.
    """

    def dumps(self, value: t.Any, protocol: int = 0) -> bytes:
        """*value*, and which of the two it is."""
        if type(value) is int:
            return b"i%d" % value
        if not isinstance(value, bytes):
            raise TypeError(f"{type(value).__name__} is neither bytes nor int")
        return b"b" + value

    def loads(self, bvalue: bytes | None) -> bytes | int | None:
        """What :meth:`dumps` wrote; ``None`` for anything else."""
        if bvalue is None:
            return None
        if bvalue[:1] == b"b":
            return bvalue[1:]
        if bvalue[:1] == b"i" and bvalue[1:].isdigit():
            return int(bvalue[1:])
        return None

    def dump(self, value: t.Any, f: t.IO[bytes], protocol: int = 0) -> None:
        """Write *value* to a file."""
        f.write(self.dumps(value))

    def load(self, f: t.BinaryIO) -> bytes | int | None:
        """Read a value from a file."""
        return self.loads(f.read())


def private_backend(config: t.Mapping[str, t.Any]) -> CacheBackend:
    """A backend of our own, by a Flask-Caching configuration.

    :raises ConfigurationError: where Flask-Caching does not take it.
    """
    settings = {
        "CACHE_KEY_PREFIX": "flask_isr_",
        "CACHE_THRESHOLD": 0
        if config["CACHE_TYPE"] == "FileSystemCache"
        else _SIMPLE_VALUES,
        **config,
    }
    # An application that has nothing else: the site's own CACHE_* settings are meant for
    # another cache, and nobody finds ours among the site's.
    carrier = Flask(__name__)
    cache = Cache(with_jinja2_ext=False)
    try:
        cache.init_app(carrier, config=settings)
    except ImportStringError as error:
        raise ConfigurationError(
            f"ISR_CACHE: CACHE_TYPE {config['CACHE_TYPE']!r} is no backend of"
            f" Flask-Caching, and cannot be imported ({error.exception})."
        ) from error
    except Exception as error:
        # The configuration may hold a password: it is not shown.
        raise ConfigurationError(
            f"Flask-Caching does not take ISR_CACHE with CACHE_TYPE"
            f" {config['CACHE_TYPE']!r} ({type(error).__name__}: {error})."
        ) from error
    values: t.Any = carrier.extensions["cache"][cache]
    if hasattr(values, "serializer"):
        values.serializer = BytesSerializer()
    return _checked(values)


def shared_backend(app: Flask, cache: Cache) -> CacheBackend:
    """The backend that *cache* has for *app*.

    :raises ConfigurationError: where it has none.
    """
    caches = app.extensions.get("cache", {})
    if cache not in caches:
        raise ConfigurationError(
            "the Cache that was given to ISR(cache=…) is not initialised for the"
            f" application {app.name!r}: call cache.init_app(app)."
        )
    return _checked(caches[cache])


def _checked(values: t.Any) -> CacheBackend:
    name = type(values).__name__
    if name in _USELESS:
        raise ConfigurationError(
            f"pages cannot be kept in {name!r}, {_USELESS[name]}. Take another backend,"
            " or the embedded store, which needs no server and no settings."
        )
    return t.cast(CacheBackend, values)
