"""The table in the docs: which pages are hits beside which extension, which not and why."""

from __future__ import annotations

import collections
import textwrap
import typing as t

from .case import HIT
from .case import Case

_HEAD: t.Final = """\
.. list-table::
   :header-rows: 1
   :widths: 40 12 24 24

   * - extensions
     - hits come from
     - no hits for anonymous visitors
     - no hits for a known visitor
"""


def table(cases: t.Iterable[Case]) -> str:
    """Give the table in reStructuredText; extensions of one behaviour share a row."""
    rows = collections.defaultdict[tuple[str, str, str], list[str]](list)
    for case in cases:
        cells = case.level, _misses(case.stranger), _misses(case.known)
        rows[cells].append(case.name)
    return _HEAD + "".join(
        _row("; ".join(sorted(names, key=str.lower)), *cells)
        for cells, names in sorted(rows.items(), key=lambda row: (-len(row[1]), row[0]))
    )


def _misses(outcomes: t.Mapping[str, str]) -> str:
    """The pages that are no hits, by their reasons."""
    pages = collections.defaultdict[str, list[str]](list)
    for page, outcome in outcomes.items():
        if outcome != HIT:
            pages[outcome].append(f"*{page}*")
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in pages.items())


def _row(*cells: str) -> str:
    lines = []
    for number, cell in enumerate(cells):
        lines += textwrap.wrap(
            cell or "none",
            90,
            initial_indent="     - " if number else "   * - ",
            subsequent_indent="       ",
            break_on_hyphens=False,
        )
    return "".join(f"{line}\n" for line in lines)
