"""Applications that keep their pages in a backend of Flask-Caching."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from cachelib import SimpleCache
from flask import Flask
from flask_caching import Cache

from flask_isr import ISR
from flask_isr import StoreUnavailable
from flask_isr import cache_tag
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from flask_isr.errors import ConfigurationError
from flask_isr.stores.caching.store import CachingStore
from tests.support import PATIENCE
from tests.support import Gate
from tests.support import InThread
from tests.support import cache_state


class Down(SimpleCache):
    """A backend that raises on every call."""

    def _fail(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        raise OSError("connection refused")

    get = set = add = delete = _fail

    @classmethod
    def factory(cls, *args: t.Any) -> Down:
        """As Flask-Caching makes it."""
        return cls()


def down(*args: t.Any, **kwargs: t.Any) -> Down:
    """What CACHE_TYPE may name beside a class of Flask-Caching's."""
    return Down()


class News:
    """One process of a site whose pages tell what the data is.

    :ivar data: shared by the processes of a test.
    :ivar gates: a render that finds one stops there after it has read its data.
    """

    def __init__(
        self, data: dict[str, str], gates: list[Gate], config: dict[str, t.Any]
    ) -> None:
        self.app = Flask("news")
        self.app.config["ISR_ENABLED"] = True
        self.app.config.update(config)
        self.isr = ISR(self.app)

        @self.app.get("/<name>")
        @static_page(tags=["news"])
        def story(name: str) -> str:
            text = data["text"]
            cache_tag(f"found:{name}")
            if gates:
                gates.pop().pass_through()
            return text

    def get(self, path: str = "/one") -> tuple[str, str | None]:
        """What a stranger reads, and how it came to him."""
        answer = self.app.test_client(use_cookies=False).get(path)
        assert answer.status_code == 200
        return answer.text, cache_state(answer)

    def settle(self) -> None:
        """Wait until nothing runs in the background."""
        assert self.app.extensions["isr"].runner.drain(PATIENCE)


@pytest.fixture
def config(tmp_path: Path) -> dict[str, t.Any]:
    """The settings of a site whose processes share a backend."""
    folder = str(tmp_path / "pages")
    return {"ISR_CACHE": {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": folder}}


@pytest.fixture
def data() -> dict[str, str]:
    """What the pages tell."""
    return {"text": "old"}


@pytest.fixture
def gates() -> list[Gate]:
    """Where renders stop."""
    return []


@pytest.fixture
def sites(
    config: dict[str, t.Any], data: dict[str, str], gates: list[Gate]
) -> t.Iterator[tuple[News, News]]:
    """Two processes of one site."""
    pair = News(data, gates, config), News(data, gates, config)
    yield pair
    for site in pair:
        site.settle()


def test_a_page_is_shared(sites: tuple[News, News]) -> None:
    """Rendered in one process, it is a hit in the other."""
    one, other = sites
    assert one.get() == ("old", "MISS")
    assert one.get() == ("old", "HIT")
    assert other.get() == ("old", "HIT")
    assert other.get() == ("old", "HIT")


@pytest.mark.promise(4)
@pytest.mark.parametrize(
    "revalidate",
    [
        pytest.param(lambda: revalidate_path("/one"), id="path"),
        pytest.param(lambda: revalidate_tag("news"), id="tag"),
        pytest.param(lambda: revalidate_tag("found:one"), id="late-tag"),
        pytest.param(lambda: revalidate_path("/", match="prefix"), id="prefix"),
    ],
)
def test_after_an_invalidation_no_process_serves_what_was(
    sites: tuple[News, News], data: dict[str, str], revalidate: t.Callable[[], object]
) -> None:
    """Both had it in memory; the next request to either finds the new page."""
    one, other = sites
    for site in (one, other, one, other):
        assert site.get()[0] == "old"
    for number, (caller, first, second) in enumerate(
        [(one, other, one), (other, other, one), (one, one, other)]
    ):
        data["text"] = f"new {number}"
        with caller.app.app_context():
            revalidate()
        assert first.get()[0] == data["text"]
        assert second.get()[0] == data["text"]


@pytest.mark.promise(4)
@pytest.mark.parametrize("tag", ["news", "found:one"])
@pytest.mark.parametrize("mode", ["expire", "stale"])
def test_a_render_that_an_invalidation_overtakes_is_not_fresh_anywhere(
    sites: tuple[News, News],
    data: dict[str, str],
    gates: list[Gate],
    tag: str,
    mode: t.Any,
) -> None:
    """It has read the old data when the other process invalidates, and ends later: it is
    nowhere a hit, and gives way to the new page."""
    one, other = sites
    gate = Gate()
    gates.append(gate)
    visitor = InThread(one.get)
    gate.wait()
    data["text"] = "new"
    with other.app.app_context():
        revalidate_tag(tag, mode=mode)
    gate.open()
    assert visitor.result()[0] in ("old", "new")
    for site in sites:
        text, state = site.get()
        assert (text, state) != ("old", "HIT")
        site.settle()
    for site in sites:
        assert site.get()[0] == "new"


def test_the_caches_own_pages_are_left_alone(data: dict[str, str]) -> None:
    """ISR(cache=…) shares a Cache that is initialised before or after it; `clear` takes
    only what is ours."""
    for early in (True, False):
        app = Flask("shared")
        app.config.update(CACHE_TYPE="SimpleCache", ISR_ENABLED=True)
        cache = Cache()
        if early:
            cache.init_app(app)
        isr = ISR(cache=cache)
        isr.init_app(app)
        if not early:
            cache.init_app(app)

        @app.get("/")
        @static_page()
        def page() -> str:
            return data["text"]

        client = app.test_client()
        assert cache_state(client.get("/")) == "MISS"
        assert cache_state(client.get("/")) == "HIT"
        with app.app_context():
            cache.set("mine", 1)
            assert (
                app.test_cli_runner().invoke(args=["isr", "clear", "--yes"]).exit_code
                == 0
            )
            assert cache.get("mine") == 1
        assert cache_state(client.get("/")) == "MISS"
        assert isinstance(app.extensions["isr"].store, CachingStore)


@pytest.mark.promise(6)
def test_a_broken_backend_is_not_a_broken_site(data: dict[str, str]) -> None:
    """Every page is 200; an invalidation raises, and the route answers 503."""
    kind = f"{__name__}.down"
    site = News(
        data,
        [],
        {
            "ISR_CACHE": {"CACHE_TYPE": kind},
            "ISR_SECRET": "a secret of more than sixteen characters",
        },
    )
    site.app.register_blueprint(site.isr.blueprint)
    for _ in range(3):
        assert site.get() == ("old", "BYPASS")
    data["text"] = "new"
    assert site.get() == ("new", "BYPASS")
    with site.app.app_context(), pytest.raises(StoreUnavailable):
        revalidate_path("/one")
    answer = site.app.test_client().post(
        "/revalidate?path=/one",
        headers={"Authorization": "Bearer a secret of more than sixteen characters"},
    )
    assert answer.status_code == 503


@pytest.mark.promise(6)
def test_a_site_whose_backend_breaks_goes_on_and_heals(
    data: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in memory is not served while nobody can say whether it is still right."""
    site = News(data, [], {"ISR_CACHE": {"CACHE_TYPE": "SimpleCache"}})
    assert site.get() == ("old", "MISS")
    assert site.get() == ("old", "HIT")
    data["text"] = "new"
    with monkeypatch.context() as broken:
        broken.setattr(SimpleCache, "get", Down._fail)
        assert site.get() == ("new", "BYPASS")
    assert site.get() == ("old", "HIT")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ISR_CACHE": {"CACHE_TYPE": "NullCache"}}, "NullCache"),
        ({"ISR_CACHE": {"CACHE_TYPE": "RedisCahce"}}, "'RedisCahce' is no backend"),
        ({"ISR_CACHE": "RedisCache"}, "ISR_CACHE is of type str"),
        ({"ISR_CACHE": {"CACHE_DIR": "/tmp"}}, "has no CACHE_TYPE"),
        (
            {"ISR_CACHE": {"CACHE_TYPE": "SimpleCache", "DIR": "/tmp"}},
            "has the key 'DIR'",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Flask-Caching")
def test_a_wrong_isr_cache_is_an_error_at_start(
    config: dict[str, t.Any], message: str
) -> None:
    """Not at the first visitor; a password in it is not shown."""
    with pytest.raises(ConfigurationError, match=message):
        News({}, [], config)


@pytest.mark.filterwarnings("ignore:Flask-Caching")
def test_a_cache_that_cannot_keep_pages_is_an_error() -> None:
    """One that is never initialised, NullCache, and one beside ISR_CACHE."""
    app = Flask("cacheless")
    ISR(app, cache=Cache())
    with pytest.raises(ConfigurationError, match=r"cache\.init_app"):
        app.extensions["isr"].application.prepare()
    app = Flask("null")
    cache = Cache(app)
    with pytest.raises(ConfigurationError, match="NullCache"):
        ISR(app, cache=cache)
    app = Flask("two")
    app.config["ISR_CACHE"] = {"CACHE_TYPE": "SimpleCache"}
    with pytest.raises(ConfigurationError, match="both"):
        ISR(app, cache=cache)


def test_the_sites_own_cache_settings_do_not_reach_ours(tmp_path: Path) -> None:
    """CACHE_* beside ISR_CACHE are meant for another cache."""
    app = Flask("both")
    app.config.update(
        CACHE_TYPE="NullCache",
        CACHE_NO_NULL_WARNING=True,
        CACHE_OPTIONS={"no": "such option"},
        ISR_CACHE={"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(tmp_path / "p")},
    )
    ISR(app)
    assert "cache" not in app.extensions
