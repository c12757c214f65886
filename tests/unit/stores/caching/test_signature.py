"""Signed values, in a backend that somebody else writes to."""

from __future__ import annotations

import typing as t

import pytest
from cachelib import SimpleCache
from flask import Flask
from flask import Response
from flask import abort
from flask_caching import Cache

from flask_isr import ISR
from flask_isr import revalidate_path
from flask_isr import static_page
from flask_isr.errors import ConfigurationError
from flask_isr.stores.caching.signature import Signature
from flask_isr.stores.caching.store import CachingStore
from flask_isr.testing.store_kit import SharedStoreKit
from flask_isr.testing.store_kit.helpers import MakeStore
from tests.support import Clock
from tests.support import cache_state

#: Key to value, as anybody may read and write it.
Kept: t.TypeAlias = dict[str, t.Any]


class Open(SimpleCache):
    """A backend whose values the test can put anywhere."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self.kept = kept

    def get(self, key: str) -> t.Any:
        """The value."""
        return self.kept.get(key)

    def set(self, key: str, value: t.Any, timeout: t.Any = None) -> bool:
        """Keep it."""
        self.kept[key] = value
        return True

    def add(self, key: str, value: t.Any, timeout: t.Any = None) -> bool:
        """Keep it if there is none."""
        return self.kept.setdefault(key, value) is value

    def delete(self, key: str) -> bool:
        """Forget it."""
        return self.kept.pop(key, None) is not None


class Site:
    """One process of a site that signs what it keeps."""

    def __init__(self, kept: Kept, clock: Clock, **config: t.Any) -> None:
        self.text = "good"
        self.error: str | None = None
        self.app = Flask("site")
        self.app.config.update(
            {"SECRET_KEY": "k" * 20, "ISR_SIGN": True, "ISR_ENABLED": True, **config}
        )
        cache = Cache(self.app, config={"CACHE_TYPE": "SimpleCache"})
        self.app.extensions["cache"][cache] = Open(kept)
        ISR(self.app, cache=cache, clock=clock)

        @self.app.get("/<name>")
        @static_page(60)
        def page(name: str) -> str:
            if self.error is not None:
                abort(Response(self.error, 503))
            return f"{name} {self.text}"

    def get(self, path: str) -> tuple[str | None, str]:
        """The state and the text of an answer."""
        answer = self.app.test_client().get(path)
        return cache_state(answer), answer.text


class TestSigned(SharedStoreKit):
    """A store that signs does all that one does that does not."""

    @pytest.fixture
    def make_store(self, clock: Clock) -> MakeStore:
        """Instances on one backend, with the same key."""
        kept: Kept = {}
        return lambda: CachingStore(
            lambda: Open(kept),
            namespace="tests",
            clock=clock,
            signature=Signature(lambda: [b"key"]),
        )


def page_of(kept: Kept, text: str) -> str:
    """The address at which the page with *text* is kept."""
    [address] = [key for key, value in kept.items() if text.encode() in value]
    return address


class TestAttacks:
    """What somebody with access to the backend can do: have pages rendered."""

    @pytest.mark.slow
    def test_an_altered_value_is_a_miss(self, clock: Clock) -> None:
        """Not one byte of any value can be changed."""
        kept: Kept = {}
        Site(kept, clock).get("/a")
        address = page_of(kept, "a good")
        whole = kept[address]
        for position in range(0, len(whole), 5):
            altered = bytearray(whole)
            altered[position] ^= 1
            kept[address] = bytes(altered)
            assert Site(kept, clock).get("/a") == ("MISS", "a good")

    def test_a_value_of_another_key_is_a_miss(self, clock: Clock) -> None:
        """Nobody can sign but who has the key."""
        kept: Kept = {}
        forger = Site(kept, clock, SECRET_KEY="another key")
        forger.text = "forged"
        forger.get("/a")

        assert Site(kept, clock).get("/a") == ("MISS", "a good")

    @pytest.mark.slow
    def test_an_unsigned_value_is_a_miss(self, clock: Clock) -> None:
        """What was kept before the setting was on does not count."""
        kept: Kept = {}
        Site(kept, clock, ISR_SIGN=False).get("/a")

        assert Site(kept, clock).get("/a") == ("MISS", "a good")

    def test_a_swapped_page_is_a_miss(self, clock: Clock) -> None:
        """A page of our own in the place of another one."""
        kept: Kept = {}
        site = Site(kept, clock)
        site.get("/a")
        site.get("/b")
        kept[page_of(kept, "a good")] = kept[page_of(kept, "b good")]

        assert Site(kept, clock).get("/a") == ("MISS", "a good")

    def test_a_page_put_back_is_a_miss(self, clock: Clock) -> None:
        """An old copy does not come back after the page was invalidated."""
        kept: Kept = {}
        site = Site(kept, clock)
        site.get("/a")
        address = page_of(kept, "a good")
        old = kept[address]
        with site.app.app_context():
            revalidate_path("/a")
        site.text = "better"
        site.get("/a")
        kept[address] = old

        assert Site(kept, clock).get("/a")[0] == "MISS"

    def test_all_put_back_together_is_as_it_was(self, clock: Clock) -> None:
        """The limit of signatures: an old copy of the whole backend is as good as it was
        then, invalidations since are forgotten, until its pages are too old."""
        kept: Kept = {}
        site = Site(kept, clock)
        site.get("/a")
        snapshot = dict(kept)
        with site.app.app_context():
            revalidate_path("/a")
        site.text = "better"
        assert site.get("/a") == ("MISS", "a better")
        kept.clear()
        kept.update(snapshot)

        assert Site(kept, clock).get("/a") == ("HIT", "a good")
        clock.now += 61
        assert Site(kept, clock).get("/a")[0] == "STALE"

    def test_a_forged_error_is_shared_with_nobody(self, clock: Clock) -> None:
        """While a page fails, visitors share the error answer of the last render."""
        kept: Kept = {}
        forger = Site(kept, clock, SECRET_KEY="another key")
        forger.error = "forged"
        forger.get("/a")

        for key, text in (("another key", "forged"), ("k" * 20, "a good")):
            assert Site(kept, clock, SECRET_KEY=key).get("/a")[1] == text


class TestKeys:
    """What signs."""

    def test_pages_outlive_a_change_of_keys(self, clock: Clock) -> None:
        """``SECRET_KEY_FALLBACKS`` are accepted."""
        kept: Kept = {}
        Site(kept, clock, SECRET_KEY="old").get("/a")
        site = Site(kept, clock, SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])

        assert site.get("/a")[0] == "HIT"

    def test_without_a_key_it_is_an_error(self, clock: Clock) -> None:
        """At the first request, and not in silence."""
        site = Site({}, clock, SECRET_KEY=None)

        with pytest.raises(ConfigurationError, match="SECRET_KEY is not set"):
            site.get("/a")

    def test_the_embedded_store_is_private_as_it_is(self) -> None:
        """A setting that would do nothing is an error."""
        app = Flask("app")
        app.config["ISR_SIGN"] = True

        with pytest.raises(ConfigurationError, match="private to their owner"):
            ISR(app)
