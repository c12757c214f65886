"""The fingerprint of the application's files, which tells one build from another."""

from __future__ import annotations

import functools
import glob
import hashlib
import os
import secrets
import time
import typing as t
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from flask import Flask

from .sources import code_of
from .sources import folders_known
from .sources import templates_of

# Folders that are not the application's own, wherever they are.
_FOREIGN = {"__pycache__", "node_modules", "site-packages"}

# Types of files that lie among templates and are none.
_MEDIA = {
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".ico", ".bmp", ".tiff"),
    *(".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4", ".webm", ".ogg"),
    *(".pdf", ".zip", ".gz", ".bz2", ".xz", ".tar", ".pyc", ".so", ".log"),
    *(".db", ".sqlite", ".sqlite3", ".db-wal", ".db-shm"),
}

# At most so many files of code and templates count, and as many of content: an application
# with more should set ISR_BUILD_ID. Of each place, at most so many entries are looked at.
_FILES = 10_000
_ENTRIES = 200_000

Kind: t.TypeAlias = t.Literal["code", "templates", "content"]


@dataclass(frozen=True, slots=True)
class Place:
    """A folder whose files tell one build from another, or one such file.

    :param kind: ``"code"``: Python files; ``"templates"``: whatever may be one;
        ``"content"``: all.
    :param skipped: folders in it that are not looked into.
    """

    path: Path
    kind: Kind
    skipped: frozenset[Path] = frozenset()


@dataclass(slots=True)
class Found:
    """The files of a place, as they were when the place was read.

    :ivar digests: file to the digest of its content.
    :ivar templates: folders called ``templates`` in a place of code.
    :ivar whole: whether the place was read to its end.
    :ivar changed_at: when code in the place was changed last, in seconds since 1970.
    """

    digests: dict[str, bytes] = field(default_factory=dict)
    templates: list[Path] = field(default_factory=list)
    whole: bool = True
    changed_at: float = 0.0


class BuildFiles:
    """The files that tell one build of *app* from another.

    Files that are known when this is made are read then, and so match the code that runs.
    Files of blueprints and loaders that are registered later are read by :meth:`digest`.

    :param store: the folder of the embedded store.
    :param content: globs and folders, relative to the application's root path.
    """

    def __init__(
        self, app: Flask, store: Path | None = None, content: t.Iterable[str] = ()
    ) -> None:
        self._app = app
        self._store = store
        self._began = time.time()
        self._torn = False
        self._code: list[Path] = []
        self._places = 0
        #: Each file of code and templates, with the bytes that enter the digest for it.
        self.files: dict[str, bytes] = {}
        #: The same for content.
        self.content: dict[str, bytes] = {}
        #: Whether no file was left out because there are too many.
        self.whole = True
        #: Loaders whose templates are not among the files, and why.
        self.opaque: list[str] = []
        root = Path(app.root_path)
        self._add_code(root)
        for folder in folders_known(app):
            self._add(folder, "templates")
        for pattern in content:
            for name in sorted(glob.iglob(pattern, root_dir=root, recursive=True)):
                self._add(root / name, "content", name)

    def digest(self) -> str:
        """A digest of all files: to be asked for once, when the application is complete.

        Equal for all processes and machines that run the same code.
        """
        for place in code_of(self._app):
            if not any(place.is_relative_to(known) for known in self._code):
                changed = self._add_code(place)
                # A time in the future, after a clock was set back, tells nothing.
                self._torn |= self._began < changed <= time.time()
        templates = templates_of(self._app)
        for folder in templates.folders:
            self._add(folder, "templates")
        self.opaque = [type(loader).__qualname__ for loader in templates.opaque]
        for loader in templates.listed:
            try:
                self._add_listed(loader)
            except Exception as error:
                self.opaque.append(f"{type(loader).__qualname__} ({error})")
        digest = hashlib.blake2b(digest_size=10)
        for label in sorted([*self.files.values(), *self.content.values()]):
            digest.update(label)
        if self._torn:
            # This is neither the build whose code was loaded, nor the one on disk now.
            digest.update(secrets.token_bytes(8))
        return digest.hexdigest()

    def _add_code(self, place: Path) -> float:
        """Add the code in *place* and its folders of templates; return when the code was
        changed last."""
        found = self._add(place, "code")
        self._code.append(place)
        for folder in found.templates:
            self._add(folder, "templates")
        return found.changed_at

    def _add(self, path: Path, kind: Kind, name: str = "") -> Found:
        path = Path(os.path.abspath(path))
        found = _digest(Place(path, kind, self._skipped(path, kind)))
        self._places += 1
        self.whole &= found.whole
        start = len(str(path))
        for file, digest in found.digests.items():
            self._note(kind, file, name + file[start:], digest)
        return found

    def _skipped(self, path: Path, kind: Kind) -> frozenset[Path]:
        """Folders in *path* that hold nothing of *kind*, or that were read already."""
        app = self._app
        static = [scaffold.static_folder for scaffold in (app, *app.iter_blueprints())]
        names = [app.instance_path, self._store, *static]
        known = self._code if kind == "code" else []
        folders = [Path(app.root_path, name) for name in (*names, *known) if name]
        return frozenset(folder for folder in folders if folder.is_relative_to(path))

    def _note(self, kind: Kind, file: str, name: str, digest: bytes) -> None:
        files = self.content if kind == "content" else self.files
        if file in files:
            return
        if len(files) >= _FILES:
            self.whole = False
            return
        # The label has the number of the place: paths differ from machine to machine.
        label = f"{self._places} {name} ".encode("utf-8", "surrogateescape")
        files[file] = label + digest

    def _add_listed(self, loader: t.Any) -> None:
        """Add the templates of a loader that tells what it has."""
        env = self._app.jinja_env
        self._places += 1
        with self._app.app_context():
            for name in sorted(loader.list_templates())[: _FILES + 1]:
                source, file, _ = loader.get_source(env, name)
                digest = hashlib.blake2b(source.encode(), digest_size=16).digest()
                self._note("templates", file or f"{self._places}/{name}", name, digest)


def digest_of(app: Flask) -> str:
    """The digest of the files of *app*; see :meth:`BuildFiles.digest`."""
    return BuildFiles(app).digest()


def faults(files: BuildFiles, content: t.Sequence[str]) -> t.Iterator[str]:
    """Sentences on what the complete *files* do not tell, and what to do.

    :param content: ``ISR_BUILD_FILES``.
    """
    if not files.whole:
        yield (
            f"a deploy is noticed by the first {_FILES} files of code and templates, and of"
            f" ISR_BUILD_FILES, among {_ENTRIES} of all kinds, and there are more: what"
            " changes in others is not noticed. Set ISR_BUILD_ID to a name of each release."
        )
    if files.opaque and not content:
        yield (
            f"the templates of {', '.join(files.opaque)} cannot be listed, so that a deploy"
            " which changes them is not noticed: name their files in ISR_BUILD_FILES, or"
            " set ISR_BUILD_ID to a name of each release."
        )


@functools.cache
def _digest(place: Place) -> Found:
    """The files of *place*, as they were on disk at the first call in this process."""
    found = Found()
    for path in _walk(place, found):
        if len(found.digests) >= _FILES:
            found.whole = False
            break
        found.digests[str(path)] = hashlib.blake2b(
            _content(path), digest_size=16
        ).digest()
        if place.kind == "code":
            found.changed_at = max(found.changed_at, _changed_at(path))
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        # The file is gone meanwhile, or may not be read.
        return b""


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_ctime
    except OSError:
        return 0.0


def _walk(place: Place, found: Found) -> t.Iterator[Path]:
    """The files of *place* that count; *found* is told of templates and of the limit."""
    if place.path.is_file():
        yield place.path
        return
    code, left, seen = place.kind == "code", _ENTRIES, set[str]()
    # Jinja follows links to folders wherever they lead.
    for current, folders, files in os.walk(place.path, followlinks=not code):
        here = Path(current)
        left -= len(folders) + len(files)
        if left < 0:
            found.whole = False
            return
        folders[:] = sorted(
            name
            for name in folders
            if _is_own(here / name, place) and _is_new(here / name, seen)
        )
        if code and "templates" in folders:
            found.templates.append(here / "templates")
            folders.remove("templates")
        yield from (here / name for name in sorted(files) if _counts(name, place.kind))


def _is_new(folder: Path, seen: set[str]) -> bool:
    """Add *folder* to *seen*; return whether it is new there: links may form a ring."""
    real = os.path.realpath(folder)
    new = real not in seen
    seen.add(real)
    return new


def _counts(name: str, kind: Kind) -> bool:
    if kind == "code":
        return name.endswith(".py")
    return kind == "content" or os.path.splitext(name)[1].lower() not in _MEDIA


def _is_own(folder: Path, place: Place) -> bool:
    if folder.name.startswith(".") or folder.name in _FOREIGN:
        return False
    return folder not in place.skipped and not (folder / "pyvenv.cfg").exists()
