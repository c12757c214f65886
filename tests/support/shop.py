"""A small site whose one text can be changed, for tests of invalidation."""

from __future__ import annotations

import threading
import typing as t
from pathlib import Path

from flask import Response
from flask import request
from werkzeug.test import TestResponse

from flask_isr import signals
from flask_isr import static_page

from ..support import SECRET
from ..support import Gate
from ..support import InThread
from ..support import Site
from ..support import cache_state

#: A page of the shop.
PAGE = "/products/1"

BEARER = {"Authorization": f"Bearer {SECRET}"}

Sent: t.TypeAlias = tuple[list[str], list[str], str]


class Shop:
    """Static pages that all show :attr:`text`.

    :ivar text: what pages show when they are rendered.
    :ivar gates: the next renders stop at these, each at one, after they read the text.
    :ivar error: renders raise it.
    :ivar renders: the paths that were rendered.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.text = "old"
        self.gates: list[Gate] = []
        self.error: Exception | None = None
        self.renders: list[str] = []
        self._lock = threading.Lock()
        self._add_pages()

    @classmethod
    def with_route(cls, site: Site) -> Shop:
        """A shop that has the revalidate route at ``/api/revalidate``."""
        site.app.register_blueprint(site.isr.blueprint, url_prefix="/api")
        return cls(site)

    def _add_pages(self) -> None:
        app = self.site.app

        @app.get("/")
        @static_page()
        def home() -> str:
            return self.show()

        @app.get("/products/<int:product_id>")
        @static_page(tags=["products", "product:{product_id}"])
        def product(product_id: int) -> str:
            return self.show()

        @app.get("/blog/<slug>")
        @static_page(tags=["blog"])
        def post(slug: str) -> str:
            return self.show()

        @app.get("/blog/<slug>/comments")
        @static_page(tags=["blog"])
        def comments(slug: str) -> str:
            return self.show()

        @app.get("/blogs")
        @static_page()
        def blogs() -> str:
            return self.show()

        @app.get("/list")
        @static_page(query=["page"])
        def listing() -> str:
            return f"{self.show()} {request.args.get('page', '1')}"

        @app.get("/dynamic")
        def dynamic() -> str:
            return self.text

    def show(self) -> str:
        """What a view returns."""
        text = self.text
        with self._lock:
            self.renders.append(request.path)
            gate = self.gates.pop(0) if self.gates else None
        if gate is not None:
            gate.pass_through()
        if self.error is not None:
            raise self.error
        return text

    def see(self, path: str) -> tuple[str, str | None]:
        """What a visitor of *path* sees, and how it came."""
        response = self.site.get(path)
        return response.text, cache_state(response)

    def warm(self, *paths: str) -> None:
        """Have *paths* stored, with the present text."""
        for path in paths:
            self.site.get(path)
            assert self.see(path)[1] == "HIT"

    def stop_next_render(self) -> Gate:
        """The gate at which the next render stops, with the text that it read."""
        gate = Gate()
        self.gates.append(gate)
        return gate

    def call(
        self, function: t.Callable[..., t.Any], *args: t.Any, **more: t.Any
    ) -> None:
        """Call *function* in an application context, outside of any request."""
        with self.site.app.app_context():
            function(*args, **more)

    def post(self, path: str, **kwargs: t.Any) -> TestResponse:
        """POST to *path*, and read the answer to its end."""
        client = self.site.app.test_client(use_cookies=False)
        return client.post(path, buffered=True, **kwargs)

    def hear_revalidated(self) -> list[Sent]:
        """A list to which each signal `revalidated` of the site adds what it says."""
        heard: list[Sent] = []

        def hear(
            sender: t.Any, paths: list[str], tags: list[str], mode: str, **_: t.Any
        ) -> None:
            heard.append((paths, tags, mode))

        # The receiver lives as long as the site.
        self.site.app.extensions["hear"] = hear
        signals.revalidated.connect(hear, self.site.app)
        return heard


def have_old_page_stored(shop: Shop) -> None:
    """Have others ask for the page, whose old text is rendered and stored once more."""

    def others() -> None:
        shop.see(PAGE)
        shop.site.settle()
        assert shop.see(PAGE) == ("old", "HIT")

    InThread(others).result()


def commit(shop: Shop) -> None:
    """Change the text, after the old one was rendered and stored once more."""
    have_old_page_stored(shop)
    shop.text = "new"


def check_new(shop: Shop) -> None:
    """No visitor gets the old page as fresh, and soon everybody gets the new one."""
    assert shop.see(PAGE) != ("old", "HIT")
    shop.site.settle()
    assert shop.see(PAGE) == ("new", "HIT")


def is_no_store(response: Response | TestResponse) -> bool:
    """Whether no cache may keep *response*."""
    return response.headers.get("Cache-Control") == "no-store"


def check_refused(shop: Shop, answer: TestResponse) -> None:
    """The answer is the one that every stranger gets, and nothing was done."""
    assert answer.status_code == 401
    assert answer.json == {"message": "Invalid token"}
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert is_no_store(answer)
    assert shop.see(PAGE) == ("old", "HIT")


class Plug:
    """Takes the store away from all processes, and gives it back.

    :param folder: the folder of the store.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._away = folder.with_name("away")

    def pull(self) -> None:
        """Put a file in the place of the folder: nobody can open that as a store."""
        self._folder.rename(self._away)
        self._folder.touch()

    def push(self) -> None:
        """Put the folder back, with all that it had."""
        self._folder.unlink()
        self._away.rename(self._folder)
