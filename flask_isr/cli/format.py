"""Text for terminals: tables, durations, sizes."""

from __future__ import annotations

import typing as t


def table(heads: t.Sequence[str], rows: t.Sequence[t.Sequence[str]], right: str) -> str:
    """A table with aligned columns.

    :param right: a letter for each column: ``"r"`` for those aligned to the right.
    """
    widths = [
        max([len(head), *(len(row[column]) for row in rows)])
        for column, head in enumerate(heads)
    ]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(_line(line, widths, right) for line in lines)


def _line(cells: t.Sequence[str], widths: t.Sequence[int], right: str) -> str:
    padded = [
        cell.rjust(width) if side == "r" else cell.ljust(width)
        for cell, width, side in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()


def page_count(count: int) -> str:
    """``"1 page"``, ``"2 pages"``."""
    return f"{count} page{'' if count == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """``"1 min 30 s"``: seconds for people; ``None`` is never."""
    if seconds is None:
        return "never"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    left = round(seconds)
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def size(count: float) -> str:
    """``"14.2 KiB"``: bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
