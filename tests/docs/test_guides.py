"""The guides: their programs do what the guides say."""

from __future__ import annotations

import re
import shlex
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask import request
from flask import url_for

import flask_isr
from flask_isr import ISR
from flask_isr import static_page
from flask_isr.cli import isr_commands
from flask_isr.testing import ISRTester

from ..support import SECRET
from ..support import cache_state
from .programs import AUTHORIZED
from .programs import ROOT
from .programs import Start
from .programs import code
from .programs import get
from .programs import post
from .test_links import pages

GUIDES = ROOT / "docs" / "guides"
#: What the programs of all guides go on with.
(FIRST_PAGE,) = code(ROOT / "docs" / "index.rst", "python")

Guide: t.TypeAlias = t.Callable[..., t.Any]


def program(name: str) -> list[str]:
    """The application of the first page, and what the guide called *name* adds to it."""
    first = FIRST_PAGE.replace(
        "isr = ISR(app)", "app.config.from_prefixed_env()\nisr = ISR(app)"
    )
    assert first != FIRST_PAGE
    return [first, *code(GUIDES / f"{name}.rst", "python")]


@pytest.fixture
def guide(start: Start) -> Guide:
    """Import the program of a guide, with *changes* of its text."""

    def guide(name: str, changes: t.Mapping[str, str] | None = None) -> t.Any:
        blocks = program(name)
        for old, new in (changes or {}).items():
            assert any(old in block for block in blocks), old
            blocks = [block.replace(old, new) for block in blocks]
        return start(blocks)

    return guide


@pytest.mark.parametrize(
    "page", sorted(GUIDES.glob("*.rst")), ids=lambda page: str(page.stem)
)
def test_each_guide_has_a_program_that_runs(page: Path, guide: Guide) -> None:
    """And a test in this file, which loads it."""
    guide(page.stem)
    assert f'guide("{page.stem}"' in Path(__file__).read_text("utf-8")


# -- time ---------------------------------------------------------------------------------


def test_a_page_is_fresh_then_stale_then_expired(guide: Guide) -> None:
    """As the table says."""
    module = guide("time")
    with ISRTester(module.app) as tester:
        tester.assert_miss(get(module, "/"))
        tester.clock.advance(59)
        tester.assert_hit(get(module, "/"))
        tester.clock.advance(2)
        module.prices[3] = 10
        stale = get(module, "/")
        tester.assert_stale(stale)
        assert stale.text == "We have 2 products."
        assert get(module, "/").text == "We have 3 products."
        tester.clock.advance(3601)
        del module.prices[3]
        expired = get(module, "/")
        tester.assert_miss(expired)
        assert expired.text == "We have 2 products."


def test_the_last_good_page_stays_and_is_tried_again(guide: Guide) -> None:
    """After a second, while its render fails."""
    module = guide("time")
    module.app.config["PROPAGATE_EXCEPTIONS"] = False
    with ISRTester(module.app) as tester:
        get(module, "/")
        prices, module.prices = module.prices, None
        tester.clock.advance(61)
        assert get(module, "/").text == "We have 2 products."
        assert tester.failures == ["/"]
        module.prices = {**prices, 3: 10}
        tester.assert_stale(get(module, "/"))
        assert len(tester.renders) == 1
        tester.clock.advance(1)
        tester.assert_stale(get(module, "/"))
        assert get(module, "/").text == "We have 3 products."


def test_a_page_is_stale_at_its_moment(guide: Guide) -> None:
    """``until``, which is earlier than ``revalidate``."""
    module = guide("time")
    with ISRTester(module.app) as tester:
        tester.assert_miss(get(module, "/sale"))
        tester.clock.advance(9 * 60)
        tester.assert_hit(get(module, "/sale"))
        tester.clock.advance(61)
        module.sale_ends -= timedelta(hours=1)
        tester.assert_stale(get(module, "/sale"))
        assert get(module, "/sale").text == "The sale is over."


# -- on demand ----------------------------------------------------------------------------


def test_the_import_renews_what_it_changes(guide: Guide) -> None:
    """By tag, by rule and by path, for who knows the secret."""
    module = guide("on-demand")
    for path in ("/", "/offers", "/products/1"):
        assert cache_state(get(module, path)) == "MISS"
        assert cache_state(get(module, path)) == "HIT"
    assert post(module, "/import").status_code == 401
    assert post(module, "/import", headers=AUTHORIZED).text == "Imported."
    assert get(module, "/").text == "We have 3 products."
    assert get(module, "/offers").text == "From 10."
    assert get(module, "/products/1").text == "It costs 25."


#: What each call of the table names, of the pages that the test visits.
CALLS = {
    'revalidate_path("/products/1")': {"/products/1"},
    'revalidate_path("/search?page=2")': {"/search?page=2"},
    'revalidate_path("/products/<int:product_id>", match="rule")': {
        "/products/1",
        "/products/2",
    },
    'revalidate_path("/products", match="prefix")': {"/products/1", "/products/2"},
    'revalidate_tag("prices")': {"/offers"},
}


def test_each_call_of_the_table_is_tried() -> None:
    """All of them and no others."""
    text = (GUIDES / "on-demand.rst").read_text("utf-8")
    calls = re.findall(r"^   \* - ``(revalidate_\w+\(.*\))``$", text, re.MULTILINE)
    assert calls == [*CALLS]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_names_what_the_table_says(guide: Guide, call: str) -> None:
    """These pages are rendered anew, and no others."""
    module = guide("on-demand")
    app: Flask = module.app

    @app.get("/search")
    @static_page(query=["page"])
    def search() -> str:
        return "Nothing."

    paths = ["/offers", "/products/1", "/products/2"]
    paths += ["/search?page=1", "/search?page=2"]
    with ISRTester(app) as tester:
        for path in paths:
            get(module, path)
        before = len(tester.renders)
        with app.test_request_context():
            eval(call, dict(vars(module)))
        for path in paths:
            get(module, path)
        assert {*tester.renders[before:]} == CALLS[call]


def test_tags_from_inside_find_the_page(guide: Guide) -> None:
    """A page is renewed by the tag of a row that it shows."""
    module = guide("on-demand")
    states = [cache_state(get(module, "/products/1/similar")) for _ in range(2)]
    assert states == ["MISS", "HIT"]
    module.prices[3] = 10
    with module.app.app_context():
        module.revalidate_tag("product:2")
    assert get(module, "/products/1/similar").get_json() == {"similar": [2, 3]}


def test_a_write_expires_its_page_and_the_groups_that_it_names(guide: Guide) -> None:
    """The page at its URL, and those with a tag of the header."""
    module = guide("on-demand")
    for path in ("/products/1", "/offers", "/products/2/similar"):
        get(module, path)
    client = module.app.test_client(use_cookies=False)
    assert client.delete("/products/1").status_code == 204
    assert get(module, "/offers").text == "From 30."
    assert get(module, "/products/2/similar").get_json() == {"similar": []}


# -- webhooks -----------------------------------------------------------------------------


def test_the_route_renews_a_page_for_who_knows_the_secret(guide: Guide) -> None:
    """Both calls of the guide, and none without the secret."""
    module = guide("webhooks")
    (sent,) = (
        found[1]
        for block in code(GUIDES / "webhooks.rst", "console")
        for found in re.finditer(r"-d '(\{.*\})'", block)
    )
    app: Flask = module.app

    @app.get("/")
    @app.get("/offers")
    @static_page(tags=["prices"])
    def offers() -> str:
        return f"From {min(module.prices.values())}."

    for path in ("/", "/offers", "/products/1", "/products/2"):
        get(module, path)
    module.prices.update({1: 5, 2: 6})
    refused = get(module, "/api/revalidate?path=/products/2&secret=wrong")
    assert refused.status_code == 401
    assert get(module, "/products/2").text == "It costs 30."
    done = get(module, f"/api/revalidate?path=/products/2&secret={SECRET}")
    assert done.get_json()["revalidated"] is True
    renewed = get(module, "/products/2")
    assert (renewed.text, cache_state(renewed)) == ("It costs 6.", "HIT")
    done = post(
        module,
        "/api/revalidate",
        data=sent,
        content_type="application/json",
        headers=AUTHORIZED,
    )
    assert done.get_json()["revalidated"] is True
    for path in ("/", "/offers"):
        assert get(module, path).text == "From 5."
    assert get(module, "/products/1").text == "It costs 5."


def test_a_view_takes_the_message_of_a_cms(guide: Guide) -> None:
    """For who knows the secret."""
    module = guide("webhooks")
    message = {"entry": {"slug": "hello"}}
    with ISRTester(module.app) as tester:
        get(module, "/blog/hello")
        get(module, "/blog/other")
        assert post(module, "/webhooks/cms", json=message).status_code == 401
        tester.assert_hit(get(module, "/blog/hello"))
        before = len(tester.renders)
        done = post(module, "/webhooks/cms", json=message, headers=AUTHORIZED)
        assert done.get_json() == {"revalidated": True}
        for path in ("/blog/hello", "/blog/other"):
            assert get(module, path).status_code == 200
        assert tester.renders[before:] == ["/blog/hello"]


def test_a_link_with_a_token_renews_its_page(guide: Guide) -> None:
    """That page, and no other."""
    module = guide("webhooks")
    get(module, "/products/1")
    module.prices[1] = 77
    link = get(module, "/admin/links/1").text
    assert get(module, link).get_json()["revalidated"] is True
    assert get(module, "/products/1").text == "It costs 77."
    assert get(module, link.replace("products/1", "products/2")).status_code == 401


def test_another_service_calls_the_route(
    guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what the guide names."""
    module = guide("webhooks")
    asked: list[t.Any] = []

    class Client:
        def __init__(self, *known: str) -> None:
            asked.append(known)

        def revalidate(self, *paths: t.Any, **tags: t.Any) -> None:
            asked.append((*paths, tags))

    monkeypatch.setattr(module, "RevalidateClient", Client)
    module.publish("https://shop.example/api/revalidate", SECRET)
    assert asked == [
        ("https://shop.example/api/revalidate", SECRET),
        (["/products/1"], {"tags": ["prices"]}),
    ]


# -- pages that are known ahead -----------------------------------------------------------


def test_the_build_renders_the_pages_that_are_known_ahead(guide: Guide) -> None:
    """`flask isr build` renders ``paths``, and rules without variables."""
    module = guide("known-ahead")
    app: Flask = module.app

    @app.get("/about")
    @static_page()
    def about() -> str:
        return "We mend chairs."

    result = module.app.test_cli_runner().invoke(args=["isr", "build"])
    assert result.exit_code == 0, result.output
    for path in ("/about", "/blog/hello", "/blog/prices"):
        assert cache_state(get(module, path)) == "HIT", path


def test_a_new_post_appears_and_a_deleted_one_disappears(guide: Guide) -> None:
    """The closed list is 404 without a render, and is asked again."""
    module = guide("known-ahead")
    assert get(module, "/blog/hello").text == "Hello, world!"
    missing = get(module, "/blog/new")
    assert (missing.status_code, cache_state(missing)) == (404, "BYPASS")
    with module.app.app_context():
        module.publish("new", "It is new.")
    assert get(module, "/blog/new").text == "It is new."
    with module.app.app_context():
        module.take_offline("hello")
    gone = get(module, "/blog/hello")
    assert (gone.status_code, "Not Found" in gone.text) == (404, True)


def test_without_a_closed_list_the_first_visitor_waits(guide: Guide) -> None:
    """``fallback="blocking"``, the default."""
    module = guide("known-ahead", {", fallback=False": ""})
    module.posts["new"] = "It is new."
    states = [cache_state(get(module, "/blog/new")) for _ in range(2)]
    assert states == ["MISS", "HIT"]


# -- query parameters ---------------------------------------------------------------------


def test_undeclared_parameters_make_no_pages(guide: Guide) -> None:
    """utm_source changes nothing; page is a page of its own."""
    module = guide("query-parameters")
    assert get(module, "/search?page=2").text == "Page 2."
    same = get(module, "/search?utm_source=mail&page=2")
    assert (same.text, cache_state(same)) == ("Page 2.", "HIT")
    assert get(module, "/search?page=3").text == "Page 3."


def test_the_log_says_what_to_write(
    guide: Guide, caplog: pytest.LogCaptureFixture
) -> None:
    """The words of the guide, but for the place in the code."""
    module = guide("query-parameters", {', query=["page"]': ""})
    get(module, "/search")
    answer = get(module, "/search?page=2")
    assert (answer.text, cache_state(answer)) == ("Page 2.", "BYPASS")
    (block,) = code(GUIDES / "query-parameters.rst", "text")
    words = [
        re.escape(part) for part in " ".join(block.split()).split("shop/views.py:31")
    ]
    assert re.search(r"[\w./-]+:\d+".join(words), caplog.text)


# -- drafts -------------------------------------------------------------------------------


def test_an_editor_sees_the_draft_and_nobody_else(guide: Guide) -> None:
    """From the call of the CMS to the end of draft mode."""
    module = guide("drafts")
    module.app.secret_key = "a key"
    assert get(module, "/preview").status_code == 401
    get(module, "/news/hello")
    editor = module.app.test_client()
    assert editor.get("/preview", headers=AUTHORIZED).location == "/news/hello"
    seen = editor.get("/news/hello")
    assert (seen.text, cache_state(seen)) == ("Hello again, world!", "BYPASS")
    other = get(module, "/news/hello")
    assert (other.text, cache_state(other)) == ("Hello, world!", "HIT")
    assert editor.post("/preview/end").location == "/news/hello"
    assert editor.get("/news/hello").text == "Hello, world!"


# -- factories ----------------------------------------------------------------------------


def test_the_factory_makes_an_application(guide: Guide) -> None:
    """It has the revalidate route, and takes pages of blueprints."""
    module = guide("factories")
    app = module.create_app()
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    assert "/api/revalidate" in rules
    app.register_blueprint(module.shop)
    with ISRTester(app) as tester:
        client = app.test_client()
        tester.assert_miss(client.get("/about"))
        tester.assert_hit(client.get("/about"))


# -- hooks --------------------------------------------------------------------------------

SKIPPED = "@isr.skip_on_hit\n"
#: The guide's other hook has pages served inside of Flask.
WITHOUT_COUNT = {"@app.before_request\ndef count": "def count"}


class Users(dict[int, str]):
    """Users that note how often one of them is looked for."""

    looks = 0

    def get(self, number: t.Any, default: t.Any = None) -> t.Any:
        """The user called *number*."""
        self.looks += 1
        return super().get(number, default)


@pytest.mark.parametrize(("marked", "looks"), [(True, 0), (False, 3)])
def test_the_marked_hook_runs_on_no_hit(guide: Guide, marked: bool, looks: int) -> None:
    """Without its one line, each hit enters Flask for it."""
    changes = WITHOUT_COUNT if marked else {**WITHOUT_COUNT, SKIPPED: ""}
    module = guide("hooks", changes)
    get(module, "/products/1")
    users = module.users = Users(module.users)
    states = [cache_state(get(module, "/products/1")) for _ in range(3)]
    assert states == ["HIT"] * 3
    assert users.looks == looks


def test_the_hook_still_knows_who_is_signed_in(guide: Guide) -> None:
    """The view answers them, and has what the hook prepared."""
    module = guide("hooks")
    module.app.secret_key = "a key"
    app: Flask = module.app

    @app.get("/hello")
    @static_page()
    def hello() -> str:
        return f"Hello, {module.g.user or 'whoever you are'}."

    get(module, "/hello")
    assert cache_state(get(module, "/hello")) == "HIT"
    ada = module.app.test_client()
    with ada.session_transaction() as session:
        session["user_id"] = 1
    answer = ada.get("/hello")
    assert (answer.text, cache_state(answer)) == ("Hello, Ada.", "BYPASS")
    assert get(module, "/hello").text == "Hello, whoever you are."


def test_a_hook_can_leave_renders_out(guide: Guide) -> None:
    """Two visitors and one render are two visits."""
    module = guide("hooks")
    for _ in range(2):
        get(module, "/products/1")
    assert module.visits == ["/products/1"] * 2


# -- deployment ---------------------------------------------------------------------------


def test_the_settings_of_the_guide_are_accepted(guide: Guide, tmp_path: Path) -> None:
    """Pages lie where they say, and are of the address that they say."""
    module = guide("deployment", {"/var/lib/shop": str(tmp_path)})
    app = Flask("shop")
    app.config.from_object(module.Production)
    ISR(app)

    @app.get("/")
    @static_page()
    def home() -> str:
        return url_for("home", _external=True)

    client = app.test_client()
    assert client.get("/").text == "https://shop.example/"
    assert (tmp_path / "isr" / "pages.sqlite").exists()
    state = app.extensions["isr"]
    state.store.close()


def test_a_proxy_is_believed_in_front_of_the_extension(guide: Guide) -> None:
    """Its headers are what the application sees."""
    module = guide("deployment")
    app: Flask = module.app

    @app.get("/address")
    def address() -> str:
        return f"{request.scheme} {request.remote_addr}"

    client = app.test_client()
    sent = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}
    assert client.get("/address", headers=sent).text == "https 203.0.113.5"
    states = [cache_state(client.get("/products/1", headers=sent)) for _ in range(2)]
    assert states == ["MISS", "HIT"]


# -- CDNs ---------------------------------------------------------------------------------


def test_a_cdn_keeps_fresh_pages_alone(guide: Guide) -> None:
    """A stale one gives no lifetime, and by itself no page does."""
    module = guide("cdn")
    with ISRTester(module.app) as tester:
        get(module, "/about")
        hit = get(module, "/about")
        tester.assert_hit(hit)
        assert hit.headers["CDN-Cache-Control"] == "max-age=30"
        assert hit.headers["Cache-Tag"] == "about"
        assert hit.headers["Cache-Control"] == "max-age=0, must-revalidate"
        tester.clock.advance(3601)
        stale = get(module, "/about")
        tester.assert_stale(stale)
        assert "CDN-Cache-Control" not in stale.headers
        plain = get(module, "/products/1")
        assert plain.headers["Cache-Control"] == "max-age=0, must-revalidate"
        assert "ETag" in plain.headers


def test_a_cdn_is_told_of_invalidations(guide: Guide) -> None:
    """Once for each."""
    module = guide("cdn")
    get(module, "/about")
    with module.app.app_context():
        flask_isr.revalidate_tag("about")
        flask_isr.revalidate_path("/products/1")
    assert module.purged == ["about", "/products/1"]


# -- commands -----------------------------------------------------------------------------

SHOWN = sorted(
    {
        line.partition("#")[0].removeprefix("    $ flask isr ").strip()
        for page in pages()
        for line in page.read_text("utf-8").splitlines()
        if line.startswith("    $ flask isr ")
    }
)


@pytest.mark.parametrize("line", SHOWN)
def test_each_command_that_is_shown_is_understood(line: str) -> None:
    """On any page: its name, its arguments, its options."""
    name, *arguments = shlex.split(line)
    isr_commands.commands[name].make_context(name, arguments)
