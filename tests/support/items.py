"""Items that can be written to, for tests of what a write expires."""

from __future__ import annotations

from flask import Response
from flask import request
from werkzeug.test import TestResponse

from flask_isr import static_page

from ..conftest import MakeSite
from ..support import Site


def add_pages(site: Site) -> None:
    """Two static pages that show the data, and views that change it."""
    data = {"name": "old"}

    @site.app.get("/items/<int:number>")
    @static_page(tags=["items", "item:{number}"], query=["page"])
    def item(number: int) -> str:
        return data["name"]

    @site.app.route("/items/<int:number>", methods=["POST", "PUT", "PATCH", "DELETE"])
    def change(number: int) -> Response:
        data["name"] = "new"
        groups = request.headers.get("X-Groups")
        status = request.args.get("status", 200, type=int)
        headers = {} if groups is None else {"Cache-Group-Invalidation": groups}
        return Response("done", status, headers)

    @site.app.post("/elsewhere")
    def elsewhere() -> Response:
        return change(1)


def send(site: Site, path: str, method: str = "POST", **headers: str) -> TestResponse:
    """Send a request that writes, as a stranger."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client = site.app.test_client(use_cookies=False)
    answer = client.open(path, method=method, headers=named, buffered=True)
    site.settle()
    return answer


def texts(site: Site, *paths: str) -> list[str]:
    """What visitors get."""
    return [site.get(path).text for path in paths]


def stocked(make_site: MakeSite) -> Site:
    """A site with two stored pages, one of them in two variants."""
    site = make_site()
    add_pages(site)
    for path in ("/items/1", "/items/2", "/items/1?page=2"):
        site.get(path)
    return site
