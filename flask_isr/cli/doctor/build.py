"""``flask isr doctor`` on the build: whether a deployment will be noticed."""

from __future__ import annotations

import glob
import os
import typing as t
from pathlib import Path

from ...pages.fingerprint import faults
from ...runtime import Runtime
from .finding import Finding
from .finding import Findings
from .opened import content_of
from .opened import opened_by_renders
from .starting import opened_at_start

# At most so many globs are told.
_TOLD = 5


def check_build(runtime: Runtime) -> Findings:
    """Whether all that pages are made from tells one build from another."""
    settings, app = runtime.settings, runtime.application.app
    if settings.build_id != "auto":
        what = "nothing" if settings.build_id is None else "ISR_BUILD_ID"
        yield Finding("build", "ok", f"{what} tells one release from another.")
        return
    files = runtime.application.build_files()
    files.digest()
    for fault in faults(files, settings.build_files):
        yield Finding("build", "warning", fault)
    for pattern in settings.build_files:
        if not any(glob.iglob(pattern, root_dir=app.root_path, recursive=True)):
            text = (
                f"{pattern!r} of ISR_BUILD_FILES names no file below {app.root_path}."
            )
            yield Finding("build", "warning", text)
    watched = {os.path.realpath(path) for path in (*files.files, *files.content)}
    opened = [path for path in opened_by_renders(runtime) if str(path) not in watched]
    root = Path(os.path.realpath(app.root_path))
    if opened:
        yield Finding(
            "build",
            "warning",
            f"pages are made from files whose change in a deploy is not noticed, such as"
            f" {opened[0]}: name them in ISR_BUILD_FILES: {_globs(opened, root)}.",
        )
    watched.update(map(str, opened))
    read = content_of(runtime, opened_at_start(runtime.settings.render_timeout, root))
    read = [path for path in read if str(path) not in watched]
    if read:
        yield Finding(
            "build",
            "warning",
            f"the application reads files while it starts whose change in a deploy is not"
            f" noticed, such as {read[0]}: if pages show what is in them, name them in"
            f" ISR_BUILD_FILES: {_globs(read, root)}.",
        )


def _globs(paths: t.Sequence[Path], root: Path) -> str:
    """Globs for ISR_BUILD_FILES that name *paths*."""
    names: dict[str, None] = {}
    for path in paths:
        # If folders are within each other, the outermost counts.
        folders = {one.parent for one in paths if one.suffix == path.suffix}
        outer = min(
            (folder for folder in folders if path.is_relative_to(folder)),
            key=lambda folder: len(folder.parts),
        )
        nested = any(outer in folder.parents for folder in folders)
        name = f"**/*{path.suffix}" if nested else f"*{path.suffix}"
        names[os.path.join(os.path.relpath(outer, root), name)] = None
    shown = ", ".join(repr(os.path.normpath(name)) for name in list(names)[:_TOLD])
    return f"[{shown}{', …' if len(names) > _TOLD else ''}]"
