"""Flask-Compress: it compresses for each visitor what is stored once, uncompressed."""

from __future__ import annotations

import gzip
import itertools
import typing as t

import brotli
import pytest
from flask_compress import Compress
from werkzeug.test import TestResponse

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)


def make_compressed(make_site: MakeSite, serve: str) -> Site:
    """A site whose page counts its renders, and is worth compressing."""
    site = make_site(ISR_SERVE=serve)
    Compress(site.app)
    count = itertools.count(1)

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return f"{next(count)} " + 1000 * "word "

    return site


def get(site: Site, coding: str = "", **headers: str) -> TestResponse:
    """Ask for the page as a browser that accepts this coding."""
    accepted = {"Accept-Encoding": coding} if coding else {}
    return site.get("/page", headers={**accepted, **headers})


def read(answer: TestResponse) -> bytes:
    """What the browser makes of the body."""
    assert answer.headers["Content-Length"] == str(len(answer.data))
    match answer.headers.getlist("Content-Encoding"):
        case ["gzip"]:
            return gzip.decompress(answer.data)
        case ["br"]:
            return t.cast(bytes, brotli.decompress(answer.data))
        case others:
            assert not others
            return answer.get_data()


@pytest.mark.parametrize("serve", ["auto", "view"])
@pytest.mark.parametrize("first", ["", "gzip", "br"])
def test_everybody_can_read_the_one_page(
    make_site: MakeSite, serve: str, first: str
) -> None:
    """Whoever came first: nothing is compressed twice, or for who cannot read it."""
    site = make_compressed(make_site, serve)
    page = read(get(site, first))
    assert page.startswith(b"1 word")
    for coding in ("", "gzip", "br", "identity"):
        answer = get(site, coding)
        assert (read(answer), cache_state(answer)) == (page, "HIT")
        assert answer.headers.get("Content-Encoding", "") in (coding, "")
        assert answer.headers.getlist("Vary") == ["Accept-Encoding"]


def test_inside_of_flask_it_compresses_each_hit(make_site: MakeSite) -> None:
    """It runs for each visitor there, and gives each coding a tag of its own, by which
    the next visit costs no body."""
    site = make_compressed(make_site, "view")
    plain = get(site).headers["ETag"]
    for coding in ("gzip", "br"):
        answer = get(site, coding)
        assert answer.headers["Content-Encoding"] == coding
        tag = answer.headers["ETag"]
        assert tag not in (plain, None)
        again = get(site, coding, **{"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
