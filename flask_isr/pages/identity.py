"""Identities of applications that share a store: by their views and configuration."""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import json
import os
import re
import typing as t
from pathlib import PurePath
from types import FunctionType
from types import MethodType

from flask import Flask

# Flask's own settings that a page may show; the others change how it is sent.
_SHOWN = {"APPLICATION_ROOT", "PREFERRED_URL_SCHEME", "SERVER_NAME"}

# Settings that tell a process about itself, from the Flask command or the environment.
_OF_A_PROCESS = {
    *("DEBUG", "TESTING", "ENV", "APP", "SKIP_DOTENV", "SERVER_SOFTWARE"),
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "TERM", "SHLVL"),
    *("HOSTNAME", "PORT", "PID", "PPID", "_"),
}
_OF_THE_COMMAND = ("ISR_", "RUN_")

# Names of values that must not be in a store, not even as a digest.
_CREDENTIAL = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|PRIVATE"
    r"|(^|_)(KEYS?|PWD|PASS|SALTS?|DSN)(_|$)|(KEY|AUTH|PWD)$",
    re.IGNORECASE,
)

# Credentials within addresses and connection strings.
_IN_URL = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
_IN_QUERY = re.compile(
    r"((?:^|[?&;,\s])[^=?&;,\s]*(?:password|passwd|pwd|secret|token|key))=[^&;\s]*",
    re.IGNORECASE,
)

# The arguments that `as_view` keeps for the class.
_OF_CLASS = ("class_args", "class_kwargs")

# Stands between the name of a value that a view uses and the name of the view.
_IN = " in "

# Values within values are looked at so deep.
_DEPTH = 8


class _NotPlainError(Exception):
    """The value is not plain: the object may differ from process to process."""


def view_name(endpoint: str, registered: t.Any, view: t.Any) -> str:
    """The name of the view of *endpoint*, with the arguments that it was made with.

    It is equal in all processes that run the same code, and mostly in the next release.

    :param registered: what Flask calls.
    :param view: the view below all decorators.
    """
    found, given = view, _given(view)
    while isinstance(found, functools.partial):
        found = found.func
    found = getattr(registered, "view_class", found)
    if not hasattr(found, "__qualname__"):
        found = type(found)
    return f"{endpoint} {found.__module__}.{found.__qualname__}{given}"


def _given(view: t.Any) -> str:
    """The arguments of a ``partial``, or those that ``as_view`` was given for the class."""
    if isinstance(view, functools.partial):
        return given_text(view.args, view.keywords)
    surrounding = _surrounding(view)
    return given_text(*(surrounding[name] for name in _OF_CLASS if name in surrounding))


def _surrounding(view: t.Any) -> dict[str, t.Any]:
    """The values that a function has from the one in which it was made, its defaults, and
    the attributes of its object if it is a method. If functions are among these values,
    theirs are included."""
    found: dict[str, t.Any] = {}
    left, seen = [("", view)], set()
    while left:
        prefix, function = left.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        for name, value in _held(function):
            found[prefix + name] = value
            if isinstance(value, FunctionType | MethodType):
                left.append((f"{prefix}{name}.", value))
    return found


def _held(function: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    if isinstance(function, MethodType):
        yield from getattr(function.__self__, "__dict__", {}).items()
        function = function.__func__
    if not isinstance(function, FunctionType):
        return
    code, defaults = function.__code__, function.__defaults__ or ()
    first = code.co_argcount - len(defaults)
    yield from zip(code.co_varnames[first : code.co_argcount], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        # A name may have no value yet.
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


def plain_surroundings(views: t.Iterable[t.Any]) -> dict[str, str]:
    """The plain values that *views* have from the function in which they were made, such
    as the arguments of a factory: name, with the view's, to text."""
    found: dict[str, str] = {}
    for view in views:
        for name, value in _surrounding(view).items():
            if name not in _OF_CLASS and not _CREDENTIAL.search(name):
                with contextlib.suppress(_NotPlainError):
                    text = json.dumps(_plain(value, _DEPTH))
                    found[f"{name}{_IN}{view.__qualname__}()"] = text
    return found


def digest_of_given(view: t.Any) -> str:
    """A digest of the text and numbers that a factory gave *view*, such as the name of a
    tenant; ``""`` if there are none. A list or an object may differ from process to
    process, and does not count."""
    found = [
        [name, _plain(value, 0)]
        for name, value in sorted(_surrounding(view).items())
        if isinstance(value, str | int | float) and not _CREDENTIAL.search(name)
    ]
    if not found:
        return ""
    return hashlib.blake2b(json.dumps(found).encode(), digest_size=8).hexdigest()


def is_surrounding(name: str) -> bool:
    """Whether *name* is one that :func:`plain_surroundings` gave."""
    return _IN in name


def given_text(*values: t.Any) -> str:
    """Arguments as a part of a name; ``""`` if there are none."""
    return f" {json.dumps(_plain(values, _DEPTH))}" if any(values) else ""


def plain_configuration(app: Flask) -> dict[str, str]:
    """The settings of *app* that are plain and may change a page: name to text.
    Credentials are left out, and so is what differs between processes of one application.
    """
    found: dict[str, str] = {}
    for name, value in {**app.config, **_folders(app)}.items():
        if _counts(name):
            try:
                found[name] = json.dumps(_plain(value, _DEPTH))
            except _NotPlainError:
                continue
    return found


def digest_of_configuration(values: t.Mapping[str, str]) -> str:
    """A short digest of *values*, as :func:`plain_configuration` gives them."""
    text = json.dumps(sorted(values.items()))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _folders(app: Flask) -> dict[str, str | None]:
    """The folders of *app*, relative to its code: the code may be anywhere."""
    folders = {
        "instance_path": app.instance_path,
        "template_folder": app.template_folder,
    }
    found: dict[str, str | None] = {"static_url_path": app.static_url_path}
    for name, folder in folders.items():
        path = None if folder is None else os.path.join(app.root_path, folder)
        found[name] = path and os.path.relpath(path, app.root_path)
    return found


def _counts(name: str) -> bool:
    if name in Flask.default_config:
        return name in _SHOWN
    return not (
        name in _OF_A_PROCESS
        or name.startswith(_OF_THE_COMMAND)
        or _CREDENTIAL.search(name)
    )


def _plain(value: t.Any, depth: int) -> t.Any:
    """*value* as JSON; different values give different JSON.

    :raises _NotPlainError: if it is not made of plain values.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _without_credentials(str(value))
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, datetime.timedelta):
        return ["seconds", value.total_seconds()]
    if isinstance(value, PurePath):
        return ["path", _without_credentials(str(value))]
    if depth == 0:
        raise _NotPlainError
    if isinstance(value, dict):
        return ["dict", sorted(map(json.dumps, _pairs(value, depth - 1)))]
    if isinstance(value, list | tuple):
        return ["list", *_items(value, depth - 1)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(map(json.dumps, _items(value, depth - 1)))]
    raise _NotPlainError


def _items(values: t.Iterable[t.Any], depth: int) -> t.Iterator[t.Any]:
    """The plain ones of *values*, and a mark for each of the others."""
    for value in values:
        try:
            yield _plain(value, depth)
        except _NotPlainError:
            yield ["?"]


def _pairs(values: t.Mapping[t.Any, t.Any], depth: int) -> t.Iterator[list[t.Any]]:
    for name, value in values.items():
        if not isinstance(name, str) or not _CREDENTIAL.search(name):
            yield list(_items((name, value), depth))


def _without_credentials(text: str) -> str:
    return _IN_QUERY.sub(r"\1=", _IN_URL.sub(r"\1:@", text))
