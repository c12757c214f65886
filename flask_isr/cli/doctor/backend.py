"""``flask isr doctor`` on a backend of Flask-Caching: its limits, and its faults."""

from __future__ import annotations

import typing as t

from ...core.store import BackendLimits
from ...core.store import Examination
from ...runtime import Runtime
from ..format import size
from .finding import Finding
from .finding import Findings
from .store import written

_SHARED: t.Final[t.Mapping[str, str]] = {
    "process": "each process has its own pages",
    "machine": "the processes of one machine share its pages",
    "network": "all machines that reach it share its pages",
}


def check_backend(runtime: Runtime) -> Findings:
    """Whether the cache keeps pages as it must, and what it can do at best."""
    store, largest = runtime.store, runtime.settings.page_bytes
    if not store.capabilities.backend:
        return
    found = written(runtime, store.capabilities.place)
    yield found
    examination = store.examine(largest if found.level == "ok" else None)
    if examination is not None:
        yield from _tried(examination, largest)
        yield _limits(examination.backend, examination.limits)


def _tried(examination: Examination, largest: int) -> Findings:
    for fault in examination.faults:
        yield Finding(
            "backend",
            "problem",
            f"{fault}. Pages cannot be kept so: take another backend.",
        )
    if not examination.takes_largest:
        yield Finding(
            "backend",
            "warning",
            f"it takes no page of {size(largest)}, as ISR_PAGE_BYTES allows: larger ones"
            " than it takes are rendered for each visitor. Lower ISR_PAGE_BYTES, or have"
            " the backend take more.",
        )


def _limits(name: str, limits: BackendLimits | None) -> Finding:
    if limits is None:
        return Finding(
            "backend",
            "warning",
            f"{name} is not known: who shares its pages, and whether they are rendered"
            " once for all, cannot be told.",
        )
    if limits.reach == "process":
        return Finding(
            "backend",
            "warning",
            f"{_described(name, limits)} With several processes, take another backend, or"
            " the embedded store.",
        )
    return Finding("backend", "ok", _described(name, limits))


def _described(name: str, limits: BackendLimits) -> str:
    shared = _SHARED[limits.reach]
    renders = "one render" if limits.one_render else "now and then several renders"
    largest = "any size" if limits.largest is None else f"up to {size(limits.largest)}"
    return (
        f"{name}: {shared}; {renders} of a page at a time; pages of {largest};"
        f" {limits.remark}."
    )
