"""The settings: every ``ISR_*`` key, read and checked once."""

from __future__ import annotations

import typing as t
import warnings
from dataclasses import dataclass
from dataclasses import field
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

Serve: t.TypeAlias = t.Literal["auto", "wsgi", "view"]

_MIB = 1024 * 1024

#: Key to default value.
DEFAULTS: t.Final[t.Mapping[str, t.Any]] = {
    "ISR_ENABLED": None,
    "ISR_APP_ID": "auto",
    "ISR_BUILD_ID": "auto",
    "ISR_BUILD_FILES": (),
    "ISR_SECRET": None,
    "ISR_REVALIDATE_GET": True,
    "ISR_CACHE": None,
    "ISR_FOLDER": None,
    "ISR_ORIGIN": None,
    "ISR_SERVE": "auto",
    "ISR_PERSONAL_COOKIES": None,
    "ISR_IGNORE": (),
    "ISR_SESSION_IGNORE": (),
    "ISR_RENDER_TIMEOUT": 60,
    "ISR_WAIT_TIMEOUT": 10,
    "ISR_STALE_IF_ERROR": None,
    "ISR_MEMORY_BYTES": 64 * _MIB,
    "ISR_STORE_BYTES": 1024 * _MIB,
    "ISR_PAGE_BYTES": 10 * _MIB,
    "ISR_ENCODINGS": ("gzip",),
    "ISR_EXPIRE_ON_WRITE": True,
    "ISR_CACHE_GROUPS": True,
    "ISR_SIGN": False,
    "ISR_RUNNER": "thread",
}

#: Characters below which a secret is short enough to be guessed.
SHORT_SECRET = 16


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the site is for its visitors: what rendered pages link to.

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


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked configuration of one application; times in seconds, sizes in bytes.

    :param enabled: ``None``: off in debug and testing, else on.
    :param app_id: ``"auto"``: the configuration tells it from others of its code.
    :param build_id: ``"auto"``: a digest of the application's files; ``None``: none.
    :param build_files: globs and folders of files that count, too.
    :param personal_cookies: ``None``: Flask's session cookie and Flask-Login's.
    :param ignore: names of headers, cookies and query parameters that no page depends on.
    :param session_ignore: keys of sessions that tell nobody from others.
    :param compressors: coding to what compresses a body, best first.
    :param expire_on_write: whether a successful unsafe request expires the page at its URL.
    :param cache_groups: whether its answer may name tags to expire.
    :param sign: whether what a backend of Flask-Caching keeps is signed.
    :param given: key to value, as the application had them.
    """

    enabled: bool | None
    app_id: str
    build_id: str | None
    build_files: tuple[str, ...]
    secrets: tuple[bytes, ...] = field(repr=False)
    revalidate_get: bool
    cache: t.Mapping[str, t.Any] | None = field(repr=False)
    folder: Path
    origin: Origin | None
    serve: Serve
    personal_cookies: tuple[str, ...] | None
    ignore: tuple[str, ...]
    session_ignore: tuple[str, ...]
    render_timeout: float
    wait_timeout: float
    stale_if_error: float | None
    memory_bytes: int
    store_bytes: int
    page_bytes: int
    compressors: t.Mapping[str, Compress] = field(repr=False)
    expire_on_write: bool
    cache_groups: bool
    sign: bool
    runner: t.Literal["thread", "inline"] | Runner
    given: t.Mapping[str, t.Any] = field(repr=False)

    def changed(self, app: Flask) -> list[str]:
        """The ``ISR_*`` keys of *app* that were set since, too late to count."""
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
        values = {key: app.config.get(key, DEFAULTS[key]) for key in DEFAULTS}
        return cls(
            enabled=_switch("ISR_ENABLED", values),
            app_id=_app_id("ISR_APP_ID", values["ISR_APP_ID"]),
            build_id=_build_id("ISR_BUILD_ID", values["ISR_BUILD_ID"]),
            build_files=_globs("ISR_BUILD_FILES", values["ISR_BUILD_FILES"]),
            secrets=_secrets(values["ISR_SECRET"]),
            revalidate_get=_flag("ISR_REVALIDATE_GET", values),
            cache=_cache(values["ISR_CACHE"]),
            folder=_folder(values["ISR_FOLDER"], Path(app.instance_path)),
            origin=_origin(values["ISR_ORIGIN"]),
            serve=_choice("ISR_SERVE", values, ("auto", "wsgi", "view")),
            personal_cookies=_names(
                "ISR_PERSONAL_COOKIES", values["ISR_PERSONAL_COOKIES"]
            ),
            ignore=_names("ISR_IGNORE", values["ISR_IGNORE"]) or (),
            session_ignore=_names("ISR_SESSION_IGNORE", values["ISR_SESSION_IGNORE"])
            or (),
            render_timeout=seconds("ISR_RENDER_TIMEOUT", values["ISR_RENDER_TIMEOUT"]),
            wait_timeout=seconds("ISR_WAIT_TIMEOUT", values["ISR_WAIT_TIMEOUT"]),
            stale_if_error=_grace("ISR_STALE_IF_ERROR", values["ISR_STALE_IF_ERROR"]),
            memory_bytes=_size("ISR_MEMORY_BYTES", values),
            store_bytes=_size("ISR_STORE_BYTES", values),
            page_bytes=_size("ISR_PAGE_BYTES", values),
            compressors=_compressors("ISR_ENCODINGS", values["ISR_ENCODINGS"]),
            expire_on_write=_flag("ISR_EXPIRE_ON_WRITE", values),
            cache_groups=_flag("ISR_CACHE_GROUPS", values),
            sign=_flag("ISR_SIGN", values),
            runner=_runner(values["ISR_RUNNER"]),
            given=values,
        )


def _grace(name: str, value: t.Any) -> float | None:
    if value is None or (value == 0 and not isinstance(value, bool)):
        return value
    try:
        return seconds(name, value)
    except ConfigurationError:
        raise ConfigurationError(
            f"{name} is {value!r}; it must be a number of seconds, 0 or greater, a"
            " timedelta, or None for ever."
        ) from None


def _secrets(value: t.Any) -> tuple[bytes, ...]:
    secrets = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(secrets, list | tuple) or not all(
        isinstance(secret, str) and secret for secret in secrets
    ):
        # The value is not shown: it may be a secret all the same.
        raise ConfigurationError(
            f"ISR_SECRET is {_kind(value)}; it must be a non-empty string, or a list of"
            " them while you change secrets. 'flask isr secret' makes a good one."
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


def _cache(value: t.Any) -> t.Mapping[str, t.Any] | None:
    if value is None:
        return None
    if (
        not isinstance(value, dict)
        or not all(str(key).startswith("CACHE_") for key in value)
        or not isinstance(value.get("CACHE_TYPE"), str)
    ):
        example = _in_environment(value, '{"CACHE_TYPE": "SimpleCache"}')
        # The value is not shown: it may hold a password.
        raise ConfigurationError(
            f"ISR_CACHE {_cache_fault(value)}; it must be the settings of Flask-Caching for"
            " a cache of Flask-ISR's own, such as"
            " {'CACHE_TYPE': 'RedisCache', 'CACHE_REDIS_URL': 'redis://localhost/0'},"
            " or None for the embedded store"
            f"{example}."
        )
    return dict(value)


def _cache_fault(value: t.Any) -> str:
    if not isinstance(value, dict):
        return f"is of type {type(value).__name__}"
    strange = [str(key) for key in value if not str(key).startswith("CACHE_")]
    if strange:
        return f"has the key {strange[0]!r}, which does not begin with CACHE_"
    return "has no CACHE_TYPE that is a string"


def _folder(value: t.Any, instance: Path) -> Path:
    if value is None:
        return instance / "isr"
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise ConfigurationError(f"ISR_FOLDER is {value!r}; it must be a path.")
    # Not below the working directory: servers and commands start in different ones.
    return instance / value


def _origin(value: t.Any) -> Origin | None:
    if value is None:
        return None
    parts = _split(value)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ConfigurationError(
            f"ISR_ORIGIN is {value!r}; it must be scheme, host and mount prefix of the"
            " site, such as 'https://www.example.com' or 'https://example.com/shop'."
        )
    return Origin(parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"))


def _split(value: t.Any) -> SplitResult | None:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
        # Parsed when it is asked for.
        _ = parts.port
    except ValueError:
        return None
    return parts


def _names(key: str, value: t.Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple | set | frozenset) or not all(
        isinstance(name, str) and name for name in value
    ):
        example = _in_environment(value, '["a", "b"]')
        raise ConfigurationError(
            f"{key} is {value!r}; it must be a list of names{example}."
        )
    return tuple(value)


def _globs(key: str, value: t.Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset) or not all(
        isinstance(item, str | Path) and str(item) and "\0" not in str(item)
        for item in value
    ):
        example = _in_environment(value, '["content/*.md"]')
        raise ConfigurationError(
            f"{key} is {value!r}; it must be a list of globs or folders, relative to the"
            f" application's root path, such as ['content/*.md']{example}."
        )
    return tuple(sorted(map(str, value)))


def _compressors(key: str, value: t.Any) -> t.Mapping[str, Compress]:
    names = _names(key, value) or ()
    if not set(names) <= set(CODINGS):
        known = ", ".join(map(repr, CODINGS))
        raise ConfigurationError(
            f"{key} is {value!r}; it must be a list of content codings ({known}), empty"
            " if pages are not to be compressed."
        )
    return {coding: compressor(coding) for coding in CODINGS if coding in names}


def _app_id(key: str, value: t.Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(
            f"{key} is {value!r}; it must be 'auto', or a string that names the application"
            " among those of its code that share its store."
        )
    return value


def _build_id(key: str, value: t.Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not value):
        raise ConfigurationError(
            f"{key} is {value!r}; it must be 'auto', a string that names the deployment,"
            " or None if deployments share their pages."
        )
    return value


def _switch(key: str, values: t.Mapping[str, t.Any]) -> bool | None:
    value = values[key]
    if value is not None and not isinstance(value, bool):
        raise ConfigurationError(
            f"{key} is {value!r}; it must be True, False, or None for off in debug and"
            f" testing and else on{_in_environment(value, 'true, false')}."
        )
    return value


def _flag(key: str, values: t.Mapping[str, t.Any]) -> bool:
    value = values[key]
    if not isinstance(value, bool):
        example = _in_environment(value, "true, false")
        raise ConfigurationError(
            f"{key} is {value!r}; it must be True or False{example}."
        )
    return value


def _in_environment(value: t.Any, example: str) -> str:
    """What a wrong value may be lacking that came by ``from_prefixed_env``."""
    return f" (in the environment as JSON: {example})" if isinstance(value, str) else ""


def _choice(
    key: str, values: t.Mapping[str, t.Any], accepted: tuple[str, ...]
) -> t.Any:
    value = values[key]
    if value not in accepted:
        names = ", ".join(map(repr, accepted))
        raise ConfigurationError(f"{key} is {value!r}; it must be one of {names}.")
    return value


def _size(key: str, values: t.Mapping[str, t.Any]) -> int:
    value = values[key]
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ConfigurationError(
            f"{key} is {value!r}; it must be a number of bytes greater than 0."
        )
    return value


def _runner(value: t.Any) -> t.Any:
    if value in ("thread", "inline"):
        return value
    if all(callable(getattr(value, name, None)) for name in ("submit", "spawn")):
        return GuardedRunner(value)
    raise ConfigurationError(
        f"ISR_RUNNER is {value!r}; it must be 'thread', 'inline', or an object with the"
        " methods submit and spawn of flask_isr.typing.Runner."
    )
