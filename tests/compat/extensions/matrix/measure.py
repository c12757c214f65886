"""Which pages are hits for whom, beside one extension."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from werkzeug.middleware.proxy_fix import ProxyFix

from flask_isr import rendering
from tests.support import Clock
from tests.support import Site

from .browser import ORIGIN
from .browser import Browser
from .browser import outcome
from .browser import text_of
from .case import HIT
from .case import PAGES
from .case import Case
from .case import Level
from .database import close_database
from .pages import add_doors
from .pages import add_pages

#: Why a visitor is answered by the view, where a page is stored for others.
_PERSONAL: t.Final = {"authorization", "cookie", "header", "session"}


class Trial:
    """A site with an extension, and what its visitors get.

    :ivar pages: those that it has.
    """

    def __init__(self, case: Case, folder: Path, client: object) -> None:
        config = {
            "SECRET_KEY": "a secret key",
            "ISR_ORIGIN": ORIGIN,
            "CLIENT": client,
            **case.config,
        }
        self.site = Site(folder, Clock(1_000_000.0), config, case.app_class())
        app = self.app = self.site.app
        self._headers = case.set_up(app)
        self._case = case
        self._greets = case.greets and case.known["own"] in _PERSONAL
        self._runs: list[str] = []
        add_pages(app)
        add_doors(app)
        app.teardown_request(self._note)
        proxied = ProxyFix(app.wsgi_app, x_host=1, x_port=1)
        app.wsgi_app = proxied  # type: ignore[method-assign]
        has_own = any(
            rule.rule.startswith("/own/") for rule in app.url_map.iter_rules()
        )
        self.pages = [page for page in PAGES if page != "own" or has_own]

    def _note(self, error: BaseException | None) -> None:
        """A request is over that came to Flask."""
        if not rendering():
            self._runs.append("in Flask")

    def stranger(self, number: int = 1) -> dict[str, str]:
        """What strangers are answered who come second and later."""
        return {page: self._stranger(page, number) for page in self.pages}

    def _stranger(self, page: str, number: int) -> str:
        path = f"/{page}/{number}"
        first = Browser(self.app)
        text = text_of(first.get(path))
        self._runs.clear()
        second = first.get(path)
        if page == "plain":
            self.level: Level = "inside" if self._runs else "outside"
        if outcome(second) == HIT and "ETag" in second.headers and page != "404":
            again = first.get(path, If_None_Match=second.headers["ETag"])
            assert (again.status_code, outcome(again)) == (304, HIT)
        proxied = Browser(self.app, behind_proxy=True).get(path)
        direct = Browser(self.app).get(path)
        assert outcome(proxied) == outcome(direct)
        for answer in (second, proxied, direct):
            assert "Bob" not in text_of(answer)
            if outcome(answer) == HIT and self._case.adds_nothing:
                assert text_of(answer) == text
        results = dict.fromkeys([outcome(direct), outcome(second)])
        return ", then ".join(results)

    def known(self, number: int = 1) -> dict[str, str]:
        """What a known visitor is answered, who has a message waiting."""
        bob = Browser(self.app, self._headers)
        assert bob.get("/enter").status_code < 400
        # A message makes a session, so that it comes last.
        first = [page for page in self.pages if page != "flashes"]
        results = {page: self._known(bob, page, number) for page in first}
        assert bob.get("/say").status_code < 400
        return {**results, "flashes": self._known(bob, "flashes", number)}

    def _known(self, bob: Browser, page: str, number: int) -> str:
        path = f"/{page}/{number}"
        answer = bob.get(path)
        result = outcome(answer)
        greets = page == "flashes" or (page == "own" and self._greets)
        if greets or self._case.adds_nothing:
            assert (page, "Bob" in text_of(answer)) == (page, greets)
        # The first to come gets what is stored then.
        return outcome(bob.get(path)) if result == "MISS" else result


def measure(case: Case, folder: Path) -> dict[str, str]:
    """Try the extension out, in *folder*; of page 2 the known visitor is the first."""
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(case.server()) if case.server else None
        trial = Trial(case, folder, client)
        stack.callback(close_database, trial.app)
        stack.callback(trial.site.close)
        tried = {
            "stranger": trial.stranger(1),
            "known visitor": trial.known(1),
            "known visitor, first": trial.known(2),
            "stranger, later": trial.stranger(2),
        }
        return {"level": trial.level, **_flat(tried)}


def expected(case: Case, measured: t.Iterable[str]) -> dict[str, str]:
    """What :func:`measure` is to give, of what it has *measured*."""
    wanted = {
        "stranger": case.stranger,
        "known visitor": case.known,
        "known visitor, first": case.known,
        "stranger, later": case.stranger,
    }
    all_pages = {"level": case.level, **_flat(wanted)}
    return {name: all_pages[name] for name in measured}


def _flat(tried: t.Mapping[str, t.Mapping[str, str]]) -> dict[str, str]:
    return {
        f"{visitor}: {page}": outcome
        for visitor, outcomes in tried.items()
        for page, outcome in outcomes.items()
    }
