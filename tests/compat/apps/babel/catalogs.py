"""The translations of the site, compiled where a test needs them."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

LANGUAGES: t.Final = ("en", "de", "fr")

#: A day whose name differs in each language.
CALENDAR: t.Final = datetime.date(2026, 5, 1)

_MESSAGES = {
    "de": {"Welcome": "Willkommen", "Article": "Artikel"},
    "fr": {"Welcome": "Bienvenue", "Article": "Texte"},
}


def write(folder: Path) -> None:
    """Compile the catalogs into *folder*, and publish the first edition."""
    for language, messages in _MESSAGES.items():
        catalog = Catalog(locale=language)
        for message, translated in messages.items():
            catalog.add(message, translated)
        target = folder / "translations" / language / "LC_MESSAGES"
        target.mkdir(parents=True)
        with (target / "messages.mo").open("wb") as file:
            write_mo(file, catalog)
    (folder / "edition").write_text("first")
