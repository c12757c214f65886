"""The settings: every ``ISR_*`` key, read and checked once.

Each setting is a field of :class:`Settings`, at the end. Before it stand the functions that
read values.
"""

from __future__ import annotations

import typing as t
import warnings
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from pathlib import Path
from urllib.parse import SplitResult
from urllib.parse import urlsplit

from .background.runner import GuardedRunner
from .background.runner import Runner
from .errors import ConfigurationError
from .http.compression import Compress
from .http.compression import compressor
from .http.encodings import CODINGS
from .validation import seconds

if t.TYPE_CHECKING:
    from flask import Flask

T = t.TypeVar("T")

# Parses the value of a setting, given its key and value, or raises ConfigurationError.
Parse: t.TypeAlias = t.Callable[[str, t.Any], T]

Serve: t.TypeAlias = t.Literal["auto", "wsgi", "view"]

_MIB = 1024 * 1024

#: A secret of fewer characters is short enough to be guessed.
SHORT_SECRET = 16


@dataclass(frozen=True, slots=True)
class Origin:
    """The address of the site for its visitors, to which rendered pages link.

    :param host: name and port as a browser sends them.
    :param prefix: the mount prefix, ``""`` or ``"/shop"``.
    """

    scheme: str
    host: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.address}{self.prefix}"

    @property
    def address(self) -> str:
        """Scheme and host."""
        return f"{self.scheme}://{self.host}"


# -- reading values -----------------------------------------------------------------------


def _wrong(
    key: str, value: t.Any, accepted: str, in_json: str | None = None
) -> ConfigurationError:
    """The error that names the setting, its value, and what is *accepted*.

    :param in_json: accepted values as JSON: ``from_prefixed_env`` takes anything else as a
        string.
    """
    hint = _in_environment(value, in_json) if in_json else ""
    return ConfigurationError(f"{key} is {value!r}; it must be {accepted}{hint}.")


def _in_environment(value: t.Any, example: str) -> str:
    return f" (in the environment as JSON: {example})" if isinstance(value, str) else ""


def _optional(parse: Parse[T]) -> Parse[T | None]:
    """*parse*, except that ``None`` stays ``None``."""
    return lambda key, value: None if value is None else parse(key, value)


def _switch(key: str, value: t.Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        accepted = "True, False, or None for off in debug and testing and else on"
        raise _wrong(key, value, accepted, "true, false")
    return value


def _flag(key: str, value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key, value, "True or False", "true, false")
    return value


def _size(key: str, value: t.Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise _wrong(key, value, "a number of bytes greater than 0")
    return value


def _grace(key: str, value: t.Any) -> float | None:
    if value is None or (value == 0 and not isinstance(value, bool)):
        return value
    try:
        return seconds(key, value)
    except ConfigurationError:
        accepted = "a number of seconds, 0 or greater, a timedelta, or None for ever"
        raise _wrong(key, value, accepted) from None


def _all_are(value: t.Any, *kinds: type) -> bool:
    """Whether *value* is a list of items of *kinds*, none of them empty."""
    return isinstance(value, list | tuple | set | frozenset) and all(
        isinstance(item, kinds) and str(item) for item in value
    )


def _names(key: str, value: t.Any) -> tuple[str, ...]:
    if value is not None and not _all_are(value, str):
        raise _wrong(key, value, "a list of names", '["a", "b"]')
    return tuple(value or ())


def _globs(key: str, value: t.Any) -> tuple[str, ...]:
    if not _all_are(value, str, Path) or any("\0" in str(item) for item in value):
        accepted = (
            "a list of globs or folders, relative to the application's root path, such as"
            " ['content/*.md']"
        )
        raise _wrong(key, value, accepted, '["content/*.md"]')
    return tuple(sorted(map(str, value)))


def _compressors(key: str, value: t.Any) -> t.Mapping[str, Compress]:
    names = _names(key, value)
    if not set(names) <= set(CODINGS):
        known = ", ".join(map(repr, CODINGS))
        accepted = f"a list of content codings ({known}), empty if pages are not to be"
        raise _wrong(key, value, f"{accepted} compressed")
    return {coding: compressor(coding) for coding in CODINGS if coding in names}


def _app_id(key: str, value: t.Any) -> str:
    if not isinstance(value, str) or not value:
        accepted = (
            "'auto', or a string that names the application among those of its code that"
            " share its store"
        )
        raise _wrong(key, value, accepted)
    return value


def _build_id(key: str, value: t.Any) -> str:
    if not isinstance(value, str) or not value:
        accepted = (
            "'auto', a string that names the deployment, or None if deployments share their"
            " pages"
        )
        raise _wrong(key, value, accepted)
    return value


def _secrets(key: str, value: t.Any) -> tuple[bytes, ...]:
    secrets = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(secrets, list | tuple) or not _all_are(secrets, str):
        # The value is not shown: it may be a secret all the same.
        raise ConfigurationError(
            f"{key} is {_kind(value)}; it must be a non-empty string, or a list of them"
            " while you change secrets. 'flask isr secret' makes a good one."
        )
    if any(len(secret) < SHORT_SECRET for secret in secrets):
        warnings.warn(
            f"ISR_SECRET is shorter than {SHORT_SECRET} characters and may be guessed;"
            " 'flask isr secret' makes a good one.",
            stacklevel=2,
        )
    return tuple(secret.encode() for secret in secrets)


def _kind(value: t.Any) -> str:
    if not value:
        return "empty"
    if isinstance(value, list | tuple):
        return "a list with an item that is no string or empty"
    return f"of type {type(value).__name__}"


def _cache(key: str, value: t.Any) -> t.Mapping[str, t.Any]:
    fault = _cache_fault(value)
    if fault is not None:
        example = _in_environment(value, '{"CACHE_TYPE": "SimpleCache"}')
        # The value is not shown: it may hold a password.
        raise ConfigurationError(
            f"{key} {fault}; it must be the settings of Flask-Caching for a cache of"
            " Flask-ISR's own, such as"
            " {'CACHE_TYPE': 'RedisCache', 'CACHE_REDIS_URL': 'redis://localhost/0'},"
            f" or None for the embedded store{example}."
        )
    return dict(value)


def _cache_fault(value: t.Any) -> str | None:
    if not isinstance(value, dict):
        return f"is of type {type(value).__name__}"
    strange = [str(key) for key in value if not str(key).startswith("CACHE_")]
    if strange:
        return f"has the key {strange[0]!r}, which does not begin with CACHE_"
    if not isinstance(value.get("CACHE_TYPE"), str):
        return "has no CACHE_TYPE that is a string"
    return None


def _folder(key: str, value: t.Any) -> Path:
    if value is None:
        return Path("isr")
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise _wrong(key, value, "a path")
    return Path(value)


def _origin(key: str, value: t.Any) -> Origin:
    parts = _split(value)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        accepted = (
            "scheme, host and mount prefix of the site, such as 'https://www.example.com'"
            " or 'https://example.com/shop'"
        )
        raise _wrong(key, value, accepted)
    return Origin(parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"))


def _split(value: t.Any) -> SplitResult | None:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
        # The port is parsed when it is read.
        _ = parts.port
    except ValueError:
        return None
    return parts


def _serve(key: str, value: t.Any) -> Serve:
    accepted = t.get_args(Serve)
    if value not in accepted:
        raise _wrong(key, value, f"one of {', '.join(map(repr, accepted))}")
    return t.cast(Serve, value)


def _runner(key: str, value: t.Any) -> t.Literal["thread", "inline"] | Runner:
    if value in ("thread", "inline"):
        return t.cast(t.Literal["thread", "inline"], value)
    if all(callable(getattr(value, name, None)) for name in ("submit", "spawn")):
        return GuardedRunner(value)
    accepted = (
        "'thread', 'inline', or an object with the methods submit and spawn of"
        " flask_isr.typing.Runner"
    )
    raise _wrong(key, value, accepted)


# -- the settings -------------------------------------------------------------------------


class _Setting(t.NamedTuple):
    key: str
    default: t.Any
    parse: Parse[t.Any]


def _setting(key: str, default: t.Any, parse: Parse[T], *, shown: bool = True) -> T:
    """A field that holds what *parse* makes of the setting *key*.

    :param shown: whether the field is part of the repr.
    """
    setting = _Setting(key, default, parse)
    return t.cast(T, field(repr=shown, metadata={"setting": setting}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The checked configuration of one application; times in seconds, sizes in bytes."""

    #: ``None``: off in debug and testing, else on.
    enabled: bool | None = _setting("ISR_ENABLED", None, _switch)
    #: ``"auto"``: the configuration tells the application from others of the same code.
    app_id: str = _setting("ISR_APP_ID", "auto", _app_id)
    #: ``"auto"``: a digest of the application's files; ``None``: none.
    build_id: str | None = _setting("ISR_BUILD_ID", "auto", _optional(_build_id))
    #: Globs and folders of further files that the digest covers.
    build_files: tuple[str, ...] = _setting("ISR_BUILD_FILES", (), _globs)
    secrets: tuple[bytes, ...] = _setting("ISR_SECRET", None, _secrets, shown=False)
    revalidate_get: bool = _setting("ISR_REVALIDATE_GET", True, _flag)
    cache: t.Mapping[str, t.Any] | None = _setting(
        "ISR_CACHE", None, _optional(_cache), shown=False
    )
    folder: Path = _setting("ISR_FOLDER", None, _folder)
    origin: Origin | None = _setting("ISR_ORIGIN", None, _optional(_origin))
    serve: Serve = _setting("ISR_SERVE", "auto", _serve)
    #: ``None``: Flask's session cookie and Flask-Login's.
    personal_cookies: tuple[str, ...] | None = _setting(
        "ISR_PERSONAL_COOKIES", None, _optional(_names)
    )
    #: Names of headers, cookies and query parameters that no page depends on.
    ignore: tuple[str, ...] = _setting("ISR_IGNORE", (), _names)
    #: Keys of sessions that do not tell a visitor from others.
    session_ignore: tuple[str, ...] = _setting("ISR_SESSION_IGNORE", (), _names)
    render_timeout: float = _setting("ISR_RENDER_TIMEOUT", 60, seconds)
    wait_timeout: float = _setting("ISR_WAIT_TIMEOUT", 10, seconds)
    stale_if_error: float | None = _setting("ISR_STALE_IF_ERROR", None, _grace)
    memory_bytes: int = _setting("ISR_MEMORY_BYTES", 64 * _MIB, _size)
    store_bytes: int = _setting("ISR_STORE_BYTES", 1024 * _MIB, _size)
    page_bytes: int = _setting("ISR_PAGE_BYTES", 10 * _MIB, _size)
    #: Content coding to the function that compresses a body, best first.
    compressors: t.Mapping[str, Compress] = _setting(
        "ISR_ENCODINGS", ("gzip",), _compressors, shown=False
    )
    #: Whether a successful unsafe request expires the page at its URL.
    expire_on_write: bool = _setting("ISR_EXPIRE_ON_WRITE", True, _flag)
    #: Whether the answer to an unsafe request may name tags to expire.
    cache_groups: bool = _setting("ISR_CACHE_GROUPS", True, _flag)
    #: Whether values in a backend of Flask-Caching are signed.
    sign: bool = _setting("ISR_SIGN", False, _flag)
    runner: t.Literal["thread", "inline"] | Runner = _setting(
        "ISR_RUNNER", "thread", _runner
    )
    #: Key to value, as the application configured them.
    given: t.Mapping[str, t.Any] = field(repr=False)

    def changed(self, app: Flask) -> list[str]:
        """The ``ISR_*`` keys of *app* that were set after they were read: too late."""
        return sorted(
            key
            for key, value in app.config.items()
            if key.startswith("ISR_") and value != self.given.get(key)
        )

    @classmethod
    def from_app(cls, app: Flask) -> Settings:
        """Read the ``ISR_*`` keys of *app*.

        :raises ConfigurationError: naming the key, its value and what is accepted.
        """
        for key in app.config:
            if key.startswith("ISR_") and key not in DEFAULTS:
                known = ", ".join(DEFAULTS)
                raise ConfigurationError(
                    f"{key} is no setting of Flask-ISR. The settings are: {known}."
                )
        given = {key: app.config.get(key, default) for key, default in DEFAULTS.items()}
        values = {
            name: setting.parse(setting.key, given[setting.key])
            for name, setting in _SETTINGS.items()
        }
        # Not below the working directory: servers and commands start in different ones.
        values["folder"] = Path(app.instance_path, values["folder"])
        return cls(given=given, **values)


# Name of the field to its setting.
_SETTINGS: t.Final[t.Mapping[str, _Setting]] = {
    entry.name: entry.metadata["setting"]
    for entry in fields(Settings)
    if entry.metadata
}

#: Key to default value.
DEFAULTS: t.Final[t.Mapping[str, t.Any]] = {
    setting.key: setting.default for setting in _SETTINGS.values()
}
