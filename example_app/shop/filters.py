"""How prices, dates and the time of a render are written in the templates."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    """Give the templates of *app* the filters and the clock."""
    app.add_template_filter(price)
    app.add_template_filter(day)
    app.context_processor(clock)


def price(cents: int) -> str:
    """Write an amount: ``2450`` becomes ``£24.50``."""
    return f"£{cents // 100:,}.{cents % 100:02}"


def day(moment: str) -> str:
    """Write the date of a moment in ISO form: ``2 November 2026``."""
    date = datetime.fromisoformat(moment)
    return f"{date.day} {date:%B %Y}"


def clock() -> dict[str, Any]:
    """Give each render its own time."""
    return {"rendered": datetime.now(UTC)}
