"""The CMS by itself: its content, its API, its editor and its webhooks."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer
from queue import Queue
from typing import TYPE_CHECKING
from typing import Any

import pytest

from example_app.cms import create_app
from example_app.cms.webhooks import Webhooks
from tests.support.waiting import poll

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

SECRET = "the secret of the webhook"

PRODUCT = {
    "name": "Egg Cup",
    "category": "Tableware",
    "price_cents": 750,
    "stock": 12,
    "featured": False,
    "description": "Holds one egg.",
}

POST = {
    "slug": "a-new-post",
    "title": "A new post",
    "category": "News",
    "tags": ["one", "two"],
    "body": "First.\n\nSecond.",
}


class Received:
    """A webhook as it arrived: headers, body, thread, what the database held then."""

    def __init__(self, headers: dict[str, str], body: Any, names: set[str]) -> None:
        self.headers = headers
        self.body = body
        self.names = names


class Receiver:
    """A real server that notes the webhooks that it gets, and answers *status*.

    It answers nothing while *gate* is closed.
    """

    def __init__(self, database: Path) -> None:
        self.received: Queue[Received] = Queue()
        self.status = 200
        self.gate = threading.Event()
        self.gate.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with closing(sqlite3.connect(database)) as db:
                    names = {row[0] for row in db.execute("SELECT name FROM products")}
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.received.put(Received(dict(self.headers), body, names))
                receiver.gate.wait(30)
                self.send_response(receiver.status)
                self.end_headers()
                self.wfile.write(b'{"heard": true}')

            def log_message(self, *_arguments: Any) -> None:
                """Keep quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture(name="database")
def _database(tmp_path: Path) -> Path:
    return tmp_path / "cms.sqlite3"


@pytest.fixture(name="receiver")
def _receiver(database: Path) -> Iterator[Receiver]:
    receiver = Receiver(database)
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.01,))
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@pytest.fixture(name="app")
def _app(database: Path, receiver: Receiver) -> Flask:
    return create_app(
        {
            "TESTING": True,
            "DATABASE": str(database),
            "SHOP_URL": "http://shop.test",
            "WEBHOOK_URL": receiver.url,
            "WEBHOOK_SECRET": SECRET,
        }
    )


@pytest.fixture(name="client")
def _client(app: Flask) -> FlaskClient:
    return app.test_client()


def outcome(client: FlaskClient) -> dict[str, Any]:
    """Wait for the latest webhook to be done, and return what became of it."""

    def done() -> dict[str, Any] | None:
        latest: dict[str, Any] = client.get("/api/webhooks").get_json()[0]
        return None if latest["pending"] else latest

    return poll(done)


def test_it_is_seeded_with_readable_content(client: FlaskClient) -> None:
    """A new database has a hundred different products and twenty posts."""
    products = client.get("/api/products").get_json()
    posts = client.get("/api/posts").get_json()
    assert [product["id"] for product in products] == list(range(1, 101))
    assert len({product["name"] for product in products}) == 100
    assert len({product["description"] for product in products}) > 90
    assert len({product["price_cents"] for product in products}) > 30
    assert len({post["slug"] for post in posts}) == 20
    assert posts[0]["slug"] == "hello"
    assert all(post["body"].count("\n\n") >= 2 and post["tags"] for post in posts)


def test_the_seed_is_the_same_every_time(client: FlaskClient, tmp_path: Path) -> None:
    """Two databases begin with the same content."""
    other = create_app({"DATABASE": str(tmp_path / "other.sqlite3")}).test_client()
    for path in ("/api/products", "/api/posts"):
        assert client.get(path).get_json() == other.get(path).get_json()


def test_a_database_that_exists_is_kept(app: Flask, client: FlaskClient) -> None:
    """A second start finds what the first has changed."""
    client.delete("/api/products/1")
    config = {"DATABASE": app.config["DATABASE"]}
    products = create_app(config).test_client().get("/api/products").get_json()
    assert len(products) == 99


def test_the_api_lists_some_entries(client: FlaskClient) -> None:
    """Lists can be narrowed to featured entries and to a number."""
    featured = client.get("/api/products?featured=1").get_json()
    assert len(featured) == 6
    assert all(product["featured"] for product in featured)
    assert len(client.get("/api/posts?limit=3").get_json()) == 3
    assert client.get("/api/posts?limit=many").status_code == 400


@pytest.mark.parametrize(
    ("table", "entry", "key"),
    [("products", PRODUCT, "id"), ("posts", POST, "slug")],
    ids=["product", "post"],
)
def test_the_api_creates_changes_and_deletes(
    client: FlaskClient, table: str, entry: dict[str, Any], key: str
) -> None:
    """An entry goes through its whole life."""
    created = client.post(f"/api/{table}", json=entry)
    assert created.status_code == 201
    assert entry.items() <= created.get_json().items()
    url = f"/api/{table}/{created.get_json()[key]}"
    assert client.get(url).get_json() == created.get_json()

    changed = client.patch(url, json={"category": "Other"}).get_json()
    assert changed["category"] == "Other"
    assert changed["updated_at"] > created.get_json()["updated_at"]
    replaced = client.put(url, json={**entry, "category": "Third"}).get_json()
    assert replaced["category"] == "Third"

    assert client.delete(url).status_code == 204
    for gone in (client.get(url), client.delete(url), client.patch(url, json={})):
        assert gone.status_code == 404


@pytest.mark.parametrize(
    ("method", "url", "body", "field"),
    [
        ("POST", "/api/products", {}, "name"),
        ("POST", "/api/products", {**PRODUCT, "name": " "}, "name"),
        ("POST", "/api/products", {**PRODUCT, "name": "\ud800"}, "name"),
        ("POST", "/api/products", {**PRODUCT, "stock": -1}, "stock"),
        ("POST", "/api/products", {**PRODUCT, "stock": 2**63}, "stock"),
        ("POST", "/api/products", {**PRODUCT, "price_cents": "7.50"}, "price_cents"),
        ("POST", "/api/products", {**PRODUCT, "featured": 1}, "featured"),
        ("POST", "/api/products", {**PRODUCT, "colour": "red"}, "colour"),
        ("POST", "/api/posts", {**POST, "slug": "hello"}, "slug"),
        ("POST", "/api/posts", {**POST, "slug": "No Slug"}, "slug"),
        ("POST", "/api/posts", {**POST, "tags": "one"}, "tags"),
        ("PATCH", "/api/posts/hello", {"slug": "good-bye"}, "slug"),
        ("PUT", "/api/products/2", {"name": "Only a name"}, "category"),
    ],
)
def test_the_api_names_the_field_that_is_wrong(
    client: FlaskClient, method: str, url: str, body: Any, field: str
) -> None:
    """A bad value is a 400 and changes nothing."""
    before = [client.get(f"/api/{table}").data for table in ("products", "posts")]
    answer = client.open(url, method=method, json=body)
    assert answer.status_code == 400
    assert answer.get_json()["field"] == field
    after = [client.get(f"/api/{table}").data for table in ("products", "posts")]
    assert after == before


@pytest.mark.parametrize("body", [b"{broken", b"[]", b"7", b"\xff"])
def test_the_api_refuses_what_is_not_an_object(
    client: FlaskClient, body: bytes
) -> None:
    """Broken JSON and JSON of another type are a 400 with a message."""
    answer = client.post("/api/posts", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["error"]


def test_an_id_is_never_used_again(client: FlaskClient) -> None:
    """A new product does not turn up at the address of a deleted one."""
    first = client.post("/api/products", json=PRODUCT).get_json()["id"]
    client.delete(f"/api/products/{first}")
    assert client.post("/api/products", json=PRODUCT).get_json()["id"] == first + 1


def test_the_api_is_silent_unless_asked(client: FlaskClient) -> None:
    """A change fires the webhook with ``?webhook=1`` only."""
    client.patch("/api/products/2", json={"stock": 1})
    client.patch("/api/products/2?webhook=0", json={"stock": 2})
    assert client.get("/api/webhooks").get_json() == []


def test_the_webhook_is_fired_after_the_commit(
    client: FlaskClient, receiver: Receiver
) -> None:
    """Its receiver finds the change in the database, and the entry in the body."""
    created = client.post("/api/products?webhook=1", json=PRODUCT).get_json()
    received = receiver.received.get(timeout=30)
    assert "Egg Cup" in received.names
    assert received.headers["Authorization"] == f"Bearer {SECRET}"
    assert received.headers["Content-Type"] == "application/json"
    assert received.body == {
        "event": "entry.create",
        "model": "product",
        "entry": created,
    }
    assert outcome(client)["answer"] == '{"heard": true}'


def test_the_editor_does_not_wait_for_the_receiver(
    client: FlaskClient, receiver: Receiver
) -> None:
    """The change is answered while the webhook is still under way."""
    receiver.gate.clear()
    answer = client.delete("/api/posts/hello?webhook=1")
    latest = client.get("/api/webhooks").get_json()[0]
    receiver.gate.set()
    assert answer.status_code == 204
    assert (latest["pending"], latest["status"]) == (True, None)
    assert (outcome(client)["event"], outcome(client)["ok"]) == ("entry.delete", True)


def test_a_webhook_that_is_refused_is_shown(
    client: FlaskClient, receiver: Receiver
) -> None:
    """The editor sees the status and the answer."""
    receiver.status = 401
    client.patch("/api/posts/hello?webhook=1", json={"title": "Hi"})
    latest = outcome(client)
    assert (latest["ok"], latest["status"]) == (False, 401)
    page = client.get("/posts").text
    assert "401" in page
    assert "{&#34;heard&#34;: true}" in page


def test_a_webhook_without_a_receiver_is_shown(tmp_path: Path) -> None:
    """Nobody listens, or no address is set: the change stands, the reason is told."""
    for url, reason in (("http://127.0.0.1:9/", "no answer"), ("", "CMS_WEBHOOK_URL")):
        config = {"DATABASE": str(tmp_path / "cms.sqlite3"), "WEBHOOK_URL": url}
        client = create_app(config).test_client()
        answer = client.patch("/api/products/2?webhook=1", json={"stock": 5})
        assert answer.status_code == 200
        latest = outcome(client)
        assert (latest["ok"], latest["status"]) == (False, None)
        assert reason in latest["answer"]


def test_only_the_latest_webhooks_are_kept() -> None:
    """The list of webhooks does not grow for ever."""
    webhooks = Webhooks("", "", keep=3)
    for number in range(5):
        webhooks.fire("entry.update", "product", {"id": number + 1})
    assert [delivery.entry for delivery in webhooks.latest()] == ["5", "4", "3"]


FORMS = {
    "products": {
        "name": "Egg Cup",
        "category": "Tableware",
        "price": "7.50",
        "stock": "12",
        "description": "Holds one egg.",
    },
    "posts": {
        "slug": "a-new-post",
        "title": "A new post",
        "category": "News",
        "tags": "one, two, ",
        "body": "First.\r\n\r\nSecond.",
    },
}


@pytest.mark.parametrize(
    ("table", "entry"),
    [("products", PRODUCT), ("posts", POST)],
    ids=["product", "post"],
)
def test_the_editor_adds_changes_and_deletes(
    client: FlaskClient, table: str, entry: dict[str, Any]
) -> None:
    """A browser's forms do what the API does, without a webhook by default."""
    saved = client.post(f"/{table}/new", data=FORMS[table])
    assert saved.status_code == 302
    url = saved.location.removesuffix("/edit")
    assert entry.items() <= client.get(f"/api{url}").get_json().items()

    form = client.get(saved.location)
    assert "silently" in form.text
    assert "Egg Cup" in form.text or "A new post" in form.text
    changed = {**FORMS[table], "category": "Gifts"}
    assert client.post(saved.location, data=changed).status_code == 302
    assert client.get(f"/api{url}").get_json()["category"] == "Gifts"

    assert client.post(f"{url}/delete", data=changed).status_code == 302
    assert client.get(saved.location).status_code == 404
    assert client.get("/api/webhooks").get_json() == []


def test_the_box_fires_the_webhook(client: FlaskClient, receiver: Receiver) -> None:
    """A ticked box sends it, and the page shows what came of it."""
    form = {**FORMS["products"], "webhook": "on", "featured": "on"}
    client.post("/products/2/edit", data=form)
    received = receiver.received.get(timeout=30)
    assert received.body["event"] == "entry.update"
    assert received.body["entry"]["featured"] is True
    assert outcome(client)["status"] == 200
    assert "entry.update" in client.get("/webhooks").text


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        ("products", "price", "cheap"),
        ("products", "price", "1e999999999"),
        ("products", "price", "1.234"),
        ("products", "stock", "-3"),
        ("products", "stock", ""),
        ("products", "name", ""),
        ("posts", "slug", "hello"),
        ("posts", "body", " "),
    ],
)
def test_the_editor_shows_what_is_wrong(
    client: FlaskClient, table: str, field: str, value: str
) -> None:
    """The form comes back with what was typed and a message at the field."""
    answer = client.post(f"/{table}/new", data={**FORMS[table], field: value})
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.text
    assert "Tableware" in answer.text or "A new post" in answer.text


def test_the_editor_links_to_the_shop(client: FlaskClient) -> None:
    """Each form leads to the page that it edits."""
    assert "http://shop.test/products/2" in client.get("/products/2/edit").text
    assert "http://shop.test/blog/hello" in client.get("/posts/hello/edit").text


def test_the_editor_escapes_what_it_shows(client: FlaskClient) -> None:
    """Markup in an entry is text on the page."""
    client.patch("/api/products/2", json={"name": "<b>Bold</b>"})
    for url in ("/products", "/products/2/edit"):
        assert "<b>Bold" not in client.get(url).text


@pytest.mark.parametrize("url", ["/products/0/edit", "/posts/none/edit", "/authors"])
def test_what_is_not_there_is_404(client: FlaskClient, url: str) -> None:
    """Unknown entries and tables are not found."""
    assert client.get(url).status_code == 404
