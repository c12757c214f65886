"""Finds the line of the application's own code that does something."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import typing as t
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import PurePath
from types import CodeType
from types import FrameType

from flask import Flask

from ...compat import template_of

# Packages that only carry a read from the code that asks to the request.
_CARRIERS = {"asgiref", "flask", "flask_isr", "jinja2", "markupsafe", "werkzeug"}

# Modules that call hooks and views: frames further out asked for nothing.
_DISPATCHERS = {"flask.app", "flask_isr.render.capture"}

# Folders in which installed packages stand.
_INSTALLED = {"dist-packages", "site-packages"}

# The owners of so many code objects are remembered.
_KEPT = 10_000

# A library's template, or code without a module.
_NAMELESS = "a library"

_STANDARD_LIBRARY = os.path.dirname(os.__file__)


@dataclass(frozen=True, slots=True)
class CallSite:
    """A line of the application.

    :param function: the function that it is in; ``""`` in a template or a lambda.
    """

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}, in {self.function}()" if self.function else where


@dataclass(frozen=True, slots=True)
class Caller:
    """The code that does something: the application's, or a library's.

    :param place: the innermost line of the application that led to it; ``None`` if a
        library acts of its own accord.
    :param library: the package that does it; ``""`` if the application does it itself.
    """

    place: CallSite | None
    library: str

    @property
    def direct(self) -> bool:
        """Whether the application does it itself."""
        return not self.library

    def __str__(self) -> str:
        by = f"by {distribution_of(self.library)}" if self.library else ""
        return ", ".join(filter(None, (str(self.place or ""), by)))


class CallSites:
    """Finds places in one application.

    :param view: the view whose page is rendered: its package is the application's too.
    """

    def __init__(self, app: Flask, view: t.Callable[..., t.Any]) -> None:
        self._app = app
        self._view = view
        modules = app.import_name, getattr(view, "__module__", None)
        self._packages = {_package(module) for module in modules if module}
        root = os.path.join(app.root_path, "")
        # The application may itself be installed, and its templates with it.
        self._root = "" if _is_site(root) else root

    def caller(self) -> Caller | None:
        """The code that acts at this moment, searched back to its hook or view.

        ``None`` if Flask itself acts.
        """
        frame: FrameType | None = sys._getframe(1)
        found: FrameType | None = None
        library = module = ""
        while frame is not None:
            code = _code_of(frame)
            module = code.module
            if module in _DISPATCHERS:
                break
            if found is None:
                if self._is_own(code):
                    found = frame
                elif not library and not code.carries:
                    library = code.package or _NAMELESS
            frame = frame.f_back
        if found is not None:
            return Caller(self._at(found), library)
        if not library:
            return None
        # A decorator from a library, below @static_page, is part of the view.
        in_view = module == "flask_isr.render.capture"
        return Caller(self._view_itself() if in_view else None, library)

    def _is_own(self, code: _Code) -> bool:
        if code.package in self._packages:
            return True
        if code.carries and not code.is_template:
            return False
        return not _is_library(code.file.removeprefix(self._root))

    def _at(self, frame: FrameType) -> CallSite:
        template = template_of(frame)
        if template is None:
            return self._place(frame.f_code, frame.f_lineno)
        line = template.get_corresponding_lineno(frame.f_lineno)
        file = template.filename or template.name or "a template"
        return CallSite(self._shortened(file), line, "")

    def _view_itself(self) -> CallSite | None:
        code = getattr(inspect.unwrap(self._view), "__code__", None)
        if code is None:
            return None
        return self._place(code, code.co_firstlineno)

    def _place(self, code: CodeType, line: int) -> CallSite:
        function = "" if code.co_name.startswith("<") else code.co_name
        return CallSite(self._shortened(code.co_filename), line, function)

    def _shortened(self, file: str) -> str:
        base = os.path.join(os.path.dirname(self._app.root_path), "")
        return file.removeprefix(base)


@functools.cache
def distribution_of(package: str) -> str:
    """The name by which people install *package*."""
    return next(iter(packages_distributions().get(package, ())), package)


def _package(module: str) -> str:
    return module.partition(".")[0]


class _Code(t.NamedTuple):
    """The owner of a piece of code.

    :param key: the code itself, by whose identity this is remembered.
    :param carries: whether it only carries what others ask for.
    """

    key: CodeType
    module: str
    package: str
    file: str
    is_template: bool
    carries: bool


_codes: dict[int, _Code] = {}


def _code_of(frame: FrameType) -> _Code:
    key = frame.f_code
    known = _codes.get(id(key))
    if known is not None and known.key is key:
        return known
    if len(_codes) >= _KEPT:
        _codes.clear()
    module = frame.f_globals.get("__name__", "")
    package, file = _package(module), key.co_filename
    carries = package in _CARRIERS or file.startswith("<")
    if not carries:
        carries = file.startswith(_STANDARD_LIBRARY) and not _is_library(file)
    is_template = template_of(frame) is not None
    code = _Code(key, module, package, file, is_template, carries)
    _codes[id(key)] = code
    return code


@functools.lru_cache(maxsize=1000)
def _is_library(file: str) -> bool:
    return not _INSTALLED.isdisjoint(PurePath(file).parts)


def _is_site(folder: str) -> bool:
    return PurePath(folder).name in _INSTALLED
