"""``flask isr doctor`` on the build: whether a deploy will be noticed."""

from __future__ import annotations

import glob
import os
import typing as t
from pathlib import Path

from ..build import faults
from ..state import State
from .finding import Finding
from .finding import Findings
from .opened import opened_by_renders

# Globs that are told, of however many.
_TOLD = 5


def check_build(state: State) -> Findings:
    """Whether all that pages are made from tells one build from another."""
    settings, app = state.settings, state.application.app
    if settings.build_id != "auto":
        what = "nothing" if settings.build_id is None else "ISR_BUILD_ID"
        yield Finding("build", "ok", f"{what} tells one release from another.")
        return
    files = state.application.build_files()
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
    opened = [path for path in opened_by_renders(state) if str(path) not in watched]
    if opened:
        globs = _globs(opened, Path(os.path.realpath(app.root_path)))
        yield Finding(
            "build",
            "warning",
            f"pages are made from files whose change in a deploy is not noticed, such as"
            f" {opened[0]}: name them in ISR_BUILD_FILES: {globs}.",
        )


def _globs(paths: t.Sequence[Path], root: Path) -> str:
    """What ISR_BUILD_FILES may be so that it names *paths*."""
    names = dict.fromkeys(
        os.path.join(os.path.relpath(path.parent, root), f"*{path.suffix}")
        for path in paths
    )
    shown = ", ".join(repr(os.path.normpath(name)) for name in list(names)[:_TOLD])
    return f"[{shown}{', …' if len(names) > _TOLD else ''}]"
