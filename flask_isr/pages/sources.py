"""Finds the files of an application's code and templates."""

from __future__ import annotations

import itertools
import os
import sys
import sysconfig
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from flask import Flask
from flask.templating import DispatchingJinjaLoader
from jinja2 import BaseLoader
from jinja2 import ModuleLoader

# Folders of installed packages, which are not the application's own.
_INSTALLED = {"site-packages", "dist-packages"}
_STANDARD = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib"))

# The folder of Flask-ISR itself.
_EXTENSION = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Templates:
    """The sources from which Jinja loads templates, in the order in which it looks.

    :param folders: folders of files.
    :param listed: loaders that can list their templates.
    :param opaque: loaders that cannot.
    """

    folders: list[Path] = field(default_factory=list)
    listed: list[BaseLoader] = field(default_factory=list)
    opaque: list[BaseLoader] = field(default_factory=list)


def templates_of(app: Flask) -> Templates:
    """The sources of the loaders of *app* and its blueprints, as they are now."""
    found = Templates()
    _look(app, app.jinja_env.loader, found, set())
    return found


def folders_known(app: Flask) -> list[Path]:
    """The template folders of *app* and of its blueprints so far. Loaders are not asked
    for: others may take their place yet."""
    scaffolds = [app, *app.iter_blueprints()]
    return [
        Path(scaffold.root_path, scaffold.template_folder)
        for scaffold in scaffolds
        if scaffold.template_folder is not None
    ]


def _look(app: Flask, loader: t.Any, found: Templates, seen: set[int]) -> None:
    if loader is None or id(loader) in seen:
        return
    seen.add(id(loader))
    inner = list(_within(app, loader))
    for other in inner:
        _look(app, other, found, seen)
    folders = _folders(loader)
    found.folders.extend(folders)
    if inner or folders:
        return
    lists = type(loader).list_templates is not BaseLoader.list_templates
    (found.listed if lists else found.opaque).append(loader)


def _within(app: Flask, loader: t.Any) -> t.Iterator[t.Any]:
    """The loaders that *loader* asks, kept as loaders of Flask and Jinja keep them."""
    if isinstance(loader, DispatchingJinjaLoader):
        for scaffold in (app, *app.iter_blueprints()):
            yield scaffold.jinja_loader
        return
    values: list[t.Any] = [getattr(loader, "loader", None)]
    values += getattr(loader, "loaders", None) or ()
    mapping = getattr(loader, "mapping", None)
    values += mapping.values() if isinstance(mapping, Mapping) else ()
    yield from (value for value in values if isinstance(value, BaseLoader))


def _folders(loader: t.Any) -> list[Path]:
    if isinstance(loader, ModuleLoader):
        paths: t.Any = loader.module.__path__
    else:
        paths = getattr(loader, "searchpath", None)
    if paths is None and type(loader).list_templates is BaseLoader.list_templates:
        # It is a loader of the application's own, which may look into some folder.
        paths = [path for value in vars(loader).values() for path in _paths(value)]
        paths = [path for path in paths if os.path.isdir(path)]
    return [Path(os.path.abspath(path)) for path in _paths(paths)]


def _paths(value: t.Any) -> t.Iterator[str]:
    values = value if isinstance(value, list | tuple) else [value]
    for path in values:
        if isinstance(path, str | os.PathLike) and str(path):
            yield os.fspath(t.cast(str, path))


def code_of(app: Flask) -> list[Path]:
    """The packages and modules of the views, context processors and blueprints of *app*.
    Those of the standard library and of installed packages are left out."""
    functions = itertools.chain(
        app.view_functions.values(), *app.template_context_processors.values()
    )
    names = {str(getattr(view, "view_class", view).__module__) for view in functions}
    names |= {blueprint.import_name for blueprint in app.iter_blueprints()}
    places = dict.fromkeys(map(_place_of, sorted(names)))
    return [place for place in places if place is not None and _is_own(place)]


def _place_of(module: str) -> Path | None:
    """The outermost package that *module* is in, or the module's file."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        # A namespace package has no file of its own.
        file = getattr(sys.modules.get(".".join(parts[:end])), "__file__", None)
        if file:
            path = Path(os.path.abspath(file))
            return path.parent if path.stem == "__init__" else path
    return None


def _is_own(place: Path) -> bool:
    own = not is_installed(place) and place != _EXTENSION
    return own and place.exists()


def is_installed(place: Path) -> bool:
    """Whether *place* belongs to the standard library or to an installed package."""
    return bool(_INSTALLED.intersection(place.parts)) or any(
        place.is_relative_to(folder) for folder in _STANDARD
    )
