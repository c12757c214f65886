"""``flask isr doctor`` on stored pages: those not static, and the visitors of the rest."""

from __future__ import annotations

import itertools
import typing as t

from ...core.entry import Entry
from ...core.entry import PerVisitorRecord
from ...core.entry import Record
from ...observe.cures import cure_of
from ...runtime import Runtime
from ..common import foreign_owner
from ..visitors import visitors_of
from .finding import Finding
from .finding import Findings

# At most so many stored pages are looked at.
_LOOKED_AT = 10_000

# At most so many kinds of visitors are named.
_NAMED = 5


def check_static(runtime: Runtime) -> Findings:
    """Which pages were found not to be static, and why."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for record in _records(runtime):
        if isinstance(record, PerVisitorRecord):
            where = f" ({record.where})" if record.where else ""
            cure = record.cure or cure_of(record.reason)
            verdict = record.key.rule, f"{record.reason}{where}", cure
            found.setdefault(verdict, []).append(str(record.key))
    for (rule, reason, cure), pages in found.items():
        yield Finding(
            "static",
            "warning",
            f"{_some(pages)} not the same for everybody (rule {rule}): {reason}. The view"
            f" answers each visitor. {cure or 'Mend that, or take @static_page off.'}",
        )


def check_inputs(runtime: Runtime) -> Findings:
    """Which visitors the stored pages are for. If each request brings an input, there are
    no hits, and no page shows why."""
    found: dict[str, list[str]] = {}
    for record in _records(runtime):
        if isinstance(record, Entry) and record.inputs:
            found.setdefault(visitors_of(record), []).append(str(record.key))
    for visitors, pages in itertools.islice(found.items(), _NAMED):
        yield Finding("inputs", "ok", f"{_some(pages)} for {visitors}.")
    if found:
        yield Finding(
            "inputs",
            "ok",
            "what a proxy adds to every request, such as the Authorization of a site behind"
            " a password, keeps all hits of such pages away: list it in ISR_IGNORE. Behind"
            " a proxy that ends HTTPS, pages for one scheme and host need ProxyFix.",
        )


def _records(runtime: Runtime) -> t.Iterator[Record]:
    folder = runtime.store.capabilities.folder
    if folder is None or not folder.is_dir() or foreign_owner(folder):
        # Looking into the embedded store would make files there.
        return
    for overview in itertools.islice(runtime.store.overview(), _LOOKED_AT):
        yield overview.record


def _some(pages: t.Sequence[str]) -> str:
    more = f" and {len(pages) - 1} more are" if len(pages) > 1 else " is"
    return f"{pages[0]}{more}"
