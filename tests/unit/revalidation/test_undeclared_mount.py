"""An application that is mounted where nothing says so: paths are as by ``url_for``."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import url_for
from werkzeug.test import Client

from flask_isr import NotAStaticPage
from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import SECRET
from tests.support import Site

MOUNT = "/shop"

Call: t.TypeAlias = t.Callable[[str], None]

CALLS: t.Final[t.Mapping[str, Call]] = {
    "path": revalidate_path,
    "refresh": lambda path: revalidate_path(path, mode="refresh"),
    "prefix": lambda path: revalidate_path(
        path.removesuffix("1").rstrip("/"), match="prefix"
    ),
}


class Mounted:
    """An application with pages, whose server may hand it requests for a mount.

    :param declared: what the application knows of that.
    """

    def __init__(self, make_site: MakeSite, declared: str = "") -> None:
        origin = {"ISR_ORIGIN": f"https://example.test{declared}"} if declared else {}
        self.site: Site = make_site(**origin)
        app = self.site.app
        renders = itertools.count(1)
        self.call: t.Callable[[], object] = lambda: None

        @app.get("/items/<int:number>")
        @static_page(query=["page"])
        def item(number: int) -> str:
            return f"render {next(renders)}"

        @app.get("/shop/<name>")
        @static_page()
        def inner(name: str) -> str:
            return f"render {next(renders)}"

        @app.post("/edit")
        def edit() -> str:
            self.call()
            return "saved"

        app.register_blueprint(self.site.isr.blueprint, url_prefix="/api")
        self._client = Client(app.wsgi_app)
        self._declared = declared

    def is_renewed_by(
        self, call: t.Callable[[], object], mount: str, path: str
    ) -> bool:
        """Whether *call*, in a request that comes mounted at *mount*, has the stored page
        at *path* rendered anew."""
        before = self._render(path)
        self.call = call
        script_name = mount.encode().decode("latin-1")
        answer = self._client.post(
            "/edit", environ_overrides={"SCRIPT_NAME": script_name}
        )
        assert answer.text == "saved"
        self.site.settle()
        return self._render(path) != before

    def _render(self, path: str) -> str:
        for _ in range(2):
            answer = self._client.get(
                path, base_url=f"http://localhost{self._declared}/"
            )
        assert answer.headers["X-ISR-Cache"] == "HIT"
        return answer.text


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("declared", "mount"),
    [("", MOUNT), ("", "/a/b"), ("", "/à b"), (MOUNT, ""), (MOUNT, "/store")],
)
def test_what_url_for_gives_in_a_request_is_a_path_there(
    make_site: MakeSite, name: str, declared: str, mount: str
) -> None:
    """Whatever is declared, and in each way of naming pages."""
    mounted = Mounted(make_site, declared)

    def call() -> None:
        CALLS[name](url_for("item", number=1))

    assert mounted.is_renewed_by(call, mount, "/items/1")
    assert not mounted.is_renewed_by(call, mount, "/items/2") or name == "prefix"


def test_one_variant_is_named_by_its_query(make_site: MakeSite) -> None:
    """The query stays with the path."""
    mounted = Mounted(make_site)

    def call() -> None:
        revalidate_path(url_for("item", number=1, page=2))

    assert mounted.is_renewed_by(call, MOUNT, "/items/1?page=2")
    assert not mounted.is_renewed_by(call, MOUNT, "/items/1?page=3")


@pytest.mark.parametrize(
    ("declared", "mount", "path", "page"),
    [
        ("", MOUNT, "/items/1", "/items/1"),
        (MOUNT, "", "/shop/items/1", "/items/1"),
        (MOUNT, "/store", "/shop/items/1", "/items/1"),
        ("", MOUNT, "/shop/shop/x", "/shop/x"),
        ("", "/à b", "/%C3%A0%20b/items/1", "/items/1"),
        # Below the mount there is no such page, and the other reading has one.
        ("", MOUNT, "/shop/x", "/shop/x"),
    ],
)
def test_a_path_as_pages_are_stored_is_one_too(
    make_site: MakeSite, declared: str, mount: str, path: str, page: str
) -> None:
    """As it was, in the requests of any mount."""
    mounted = Mounted(make_site, declared)
    assert mounted.is_renewed_by(lambda: revalidate_path(path), mount, page)


@pytest.mark.parametrize("mount", ["", "/store"])
def test_a_prefix_as_pages_are_stored_is_one_too(
    make_site: MakeSite, mount: str
) -> None:
    """Of which nobody can tell whether there are pages below it."""
    mounted = Mounted(make_site, MOUNT)

    def call() -> None:
        revalidate_path("/shop/items", match="prefix")

    assert mounted.is_renewed_by(call, mount, "/items/1")


@pytest.mark.parametrize("path", ["/shop/items/1", "/items/1"])
def test_the_route_takes_what_the_address_bar_shows(
    make_site: MakeSite, path: str
) -> None:
    """Its own request comes by the mount."""
    mounted = Mounted(make_site)
    client = Client(mounted.site.app.wsgi_app)
    client.get("/items/1")
    answer = client.post(
        "/api/revalidate",
        base_url=f"http://localhost{MOUNT}/",
        query_string={"path": path},
        headers={"X-Revalidate-Secret": SECRET},
    )
    assert (answer.status_code, answer.json and answer.json["paths"]) == (200, [path])
    assert client.get("/items/1").text == "render 2"


@pytest.mark.parametrize(
    ("declared", "path", "named"),
    [
        ("", "/shop/items/1", ["'/shop'", "ISR_ORIGIN"]),
        ("", "/a/b/items/1?page=2", ["'/a/b'", "ISR_ORIGIN"]),
        (MOUNT, "/items/1", ["'/shop'", "ISR_ORIGIN", "APPLICATION_ROOT"]),
    ],
)
def test_outside_of_a_request_the_error_names_prefix_and_setting(
    make_site: MakeSite, declared: str, path: str, named: list[str]
) -> None:
    """Nobody can tell there what is mounted where."""
    mounted = Mounted(make_site, declared)
    with mounted.site.app.app_context(), pytest.raises(NotAStaticPage) as caught:
        revalidate_path(path)
    assert caught.value.path == path
    assert [word for word in named if word not in str(caught.value)] == []


def test_a_path_that_nobody_serves_gets_no_advice_on_mounts(
    make_site: MakeSite,
) -> None:
    """A slip of the pen is one."""
    mounted = Mounted(make_site)
    with mounted.site.app.app_context(), pytest.raises(NotAStaticPage) as caught:
        revalidate_path("/item/1")
    assert "ISR_ORIGIN" not in str(caught.value)
