"""Pages in content codings."""

from __future__ import annotations

import gzip
import itertools
import random
import sys
import typing as t

import pytest
from flask import Response
from flask import abort
from flask import request
from werkzeug.test import TestResponse

from flask_isr import static_page
from flask_isr.core.entry import Entry
from flask_isr.errors import ConfigurationError
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state

TEXT = "All work and no play makes a dull page. " * 50
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(params=["wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param)


def add_text(site: Site, body: t.Any = TEXT, **headers: str) -> None:
    """A page at ``/``, good for 60 seconds."""

    @site.app.get("/")
    @static_page(60)
    def page() -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(body, headers=named)


def coding(answer: TestResponse) -> str | None:
    """The content coding of an answer."""
    return answer.headers.get("Content-Encoding")


def varies(answer: TestResponse) -> list[str]:
    """What the answer depends on; the field comes once."""
    assert len(answer.headers.getlist("Vary")) <= 1
    return sorted(name.lower() for name in answer.vary)


class TestChoice:
    """Who asks for a coding gets it, made once, and everybody is told of the others."""

    def test_each_visitor_gets_what_he_asks_for(self, any_level: Site) -> None:
        """Miss or hit, a page comes in the coding that was asked for, or plain."""
        add_text(any_level)

        for _ in range(3):
            packed, plain = any_level.get("/", headers=GZIP), any_level.get("/")
            assert coding(packed) == "gzip"
            assert gzip.decompress(packed.data).decode() == plain.text == TEXT
            assert coding(plain) is None
            for answer in (packed, plain):
                assert answer.headers["Content-Length"] == str(len(answer.data))
                assert varies(answer) == ["accept-encoding"]
                assert answer.headers.getlist("ETag") == [answer.headers["ETag"]]
            assert packed.headers["ETag"] == f'{plain.headers["ETag"][:-1]}-gzip"'

    def test_from_500_bytes_on(self, any_level: Site) -> None:
        """Less is not worth it."""
        add_text(any_level, "a" * 500)
        assert coding(any_level.get("/", headers=GZIP)) == "gzip"

    def test_it_is_compressed_once(
        self, any_level: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Visitors cost no compression: the render did it."""
        calls = itertools.count()
        compress = gzip.compress

        def counting(*args: t.Any, **kwargs: t.Any) -> bytes:
            next(calls)
            return compress(*args, **kwargs)

        monkeypatch.setattr(gzip, "compress", counting)
        add_text(any_level)
        answers = [any_level.get("/", headers=GZIP) for _ in range(5)]

        assert [coding(answer) for answer in answers] == ["gzip"] * 5
        assert next(calls) == 1

    def test_an_equal_render_keeps_its_coded_etag(
        self, any_level: Site, clock: Clock
    ) -> None:
        """The time of the render does not show in the coded bytes or their tag."""
        add_text(any_level)
        first = any_level.get("/", headers=GZIP)
        clock.advance(61)
        any_level.get("/")
        any_level.settle()
        second = any_level.get("/", headers=GZIP)

        assert cache_state(second) == "HIT"
        assert (first.data, first.headers["ETag"]) == (
            second.data,
            second.headers["ETag"],
        )

    def test_head_says_what_get_says(self, any_level: Site) -> None:
        """HEAD has the fields of the coded form, and no body."""
        add_text(any_level)
        any_level.get("/")
        got = any_level.get("/", headers=GZIP)
        client = any_level.app.test_client()
        head = client.head("/", headers=GZIP)

        assert sorted(head.headers) == sorted(got.headers)
        assert head.data == b""

    def test_a_condition_is_of_one_form(self, any_level: Site) -> None:
        """Who has the coded form gets 304 when he asks for it, and the page when he asks
        for another form."""
        add_text(any_level)
        etag = any_level.get("/", headers=GZIP).headers["ETag"]
        given = {"If-None-Match": etag}

        same = any_level.get("/", headers={**GZIP, **given})
        other = any_level.get("/", headers=given)

        assert (same.status_code, same.data) == (304, b"")
        assert varies(same) == ["accept-encoding"]
        assert same.headers["ETag"] == etag
        assert coding(same) is None
        assert (other.status_code, other.text) == (200, TEXT)

    def test_a_weak_tag_is_shared(self, any_level: Site) -> None:
        """A weak ETag of the view's own is that of all forms."""
        add_text(any_level, ETag='W/"v1"')
        any_level.get("/")

        assert any_level.get("/", headers=GZIP).headers["ETag"] == 'W/"v1"'
        given = {"If-None-Match": 'W/"v1"', **GZIP}
        assert any_level.get("/", headers=given).status_code == 304


class TestWhatIsNotCompressed:
    """What would not gain, and what the view decided itself."""

    @pytest.mark.lint_allows("CC_MISCAP")
    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            pytest.param("a" * 499, {}, id="small"),
            pytest.param(TEXT, {"Content_Type": "image/png"}, id="picture"),
            pytest.param(TEXT, {"Content_Type": "application/zip"}, id="archive"),
            pytest.param(TEXT, {"Cache_Control": "No-Transform"}, id="no-transform"),
            pytest.param(TEXT, {"Content_Digest": "md5=:x=:"}, id="digest"),
            pytest.param(TEXT, {"Repr_Digest": "md5=:x=:"}, id="repr-digest"),
            pytest.param(
                gzip.compress(TEXT.encode()), {"Content_Encoding": "gzip"}, id="coded"
            ),
            pytest.param(random.Random(1).randbytes(600), {}, id="grows-by-it"),
        ],
    )
    def test_it_is_sent_as_it_is(
        self, any_level: Site, body: t.Any, headers: dict[str, str]
    ) -> None:
        """Everybody gets the bytes and headers that the view gave."""
        add_text(any_level, body, **headers)

        for _ in range(2):
            answer = any_level.get("/", headers=GZIP)
            data = body.encode() if isinstance(body, str) else body
            assert answer.data == data
            assert coding(answer) == headers.get("Content_Encoding")
            assert varies(answer) == []

    @pytest.mark.parametrize(
        "kind",
        ["text/css", "application/json", "application/ld+json", "image/svg+xml"],
    )
    def test_text_of_any_kind_is_compressed(self, site: Site, kind: str) -> None:
        """Types that are text by another name count."""
        add_text(site, Content_Type=kind)

        assert coding(site.get("/", headers=GZIP)) == "gzip"

    def test_a_cached_404_is_compressed_too(self, any_level: Site) -> None:
        """A long page of the view's own about what is gone is a page."""

        @any_level.app.errorhandler(404)
        def gone(error: Exception) -> tuple[str, int]:
            return TEXT, 404

        @any_level.app.get("/")
        @static_page()
        def page() -> str:
            abort(404)

        answers = [any_level.get("/", headers=GZIP) for _ in range(2)]

        assert [(a.status_code, coding(a)) for a in answers] == [(404, "gzip")] * 2

    def test_off(self, make_site: MakeSite) -> None:
        """Without codings in the settings nothing is compressed."""
        site = make_site(ISR_ENCODINGS=[])
        add_text(site)

        for _ in range(2):
            answer = site.get("/", headers=GZIP)
            assert coding(answer) is None
            assert varies(answer) == []


class TestHooks:
    """At the view level hooks see the plain page, and may change it."""

    def test_a_changed_page_is_sent_as_the_hook_made_it(
        self, make_site: MakeSite
    ) -> None:
        """What a hook wrote into the body is there, whatever the visitor accepts."""
        site = make_site(ISR_SERVE="view")
        add_text(site)

        @site.app.after_request
        def greet(response: Response) -> Response:
            response.data = response.data + b"Hello!"
            return response

        for _ in range(2):
            assert site.get("/", headers=GZIP).text == TEXT + "Hello!"

    def test_a_hook_that_sets_vary_does_not_hide_ours(
        self, make_site: MakeSite
    ) -> None:
        """``Accept-Encoding`` is in ``Vary`` even where a hook overwrote the field."""
        site = make_site(ISR_SERVE="view")
        add_text(site)

        @site.app.after_request
        def cors(response: Response) -> Response:
            response.headers["Vary"] = "Origin"
            return response

        for _ in range(2):
            answer = site.get("/", headers=GZIP)
            assert varies(answer) == ["accept-encoding", "origin"]
            assert coding(answer) == "gzip"

    def test_a_cookie_of_a_hook_comes_with_the_coded_page(
        self, make_site: MakeSite
    ) -> None:
        """A page that a hook made its visitor's own is compressed like any other."""
        site = make_site(ISR_SERVE="view")
        add_text(site)

        @site.app.after_request
        def cookie(response: Response) -> Response:
            response.set_cookie("group", request.args.get("g", "a"))
            return response

        for _ in range(2):
            answer = site.get("/", headers=GZIP)
            assert gzip.decompress(answer.data).decode() == TEXT
            assert answer.headers["Content-Length"] == str(len(answer.data))
            assert answer.headers["Cache-Control"].startswith("private")


class TestCodings:
    """``ISR_ENCODINGS``: brotli and zstd where they are asked for."""

    def test_nothing_changes_because_a_package_is_there(self, site: Site) -> None:
        """Without a setting pages are compressed with gzip alone."""
        add_text(site)
        answer = site.get("/", headers={"Accept-Encoding": "br, zstd"})

        assert coding(answer) is None
        assert list(site.state.settings.compressors) == ["gzip"]

    @pytest.mark.parametrize("name", ["br", "zstd", "gzip"])
    def test_each_is_decoded_by_its_own_library(
        self, make_site: MakeSite, name: str
    ) -> None:
        """All three come back as the page."""
        import brotli
        import zstandard

        decode: dict[str, t.Callable[[bytes], bytes]] = {
            "br": brotli.decompress,
            "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data),
            "gzip": gzip.decompress,
        }
        site = make_site(ISR_ENCODINGS=["gzip", "zstd", "br"])
        add_text(site)

        for _ in range(2):
            answer = site.get("/", headers={"Accept-Encoding": name})
            assert coding(answer) == name
            assert decode[name](answer.data).decode() == TEXT
            assert answer.headers["ETag"].endswith(f'-{name}"')
        best = site.get("/", headers={"Accept-Encoding": "gzip, br, zstd"})
        assert coding(best) == "br"

    @pytest.mark.parametrize(
        ("name", "package", "extra"),
        [("br", "brotli", "brotli"), ("zstd", "zstandard", "zstd")],
    )
    def test_a_missing_package_is_an_error_at_the_start(
        self,
        make_site: MakeSite,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        package: str,
        extra: str,
    ) -> None:
        """The error names the extra that brings it."""
        monkeypatch.setitem(sys.modules, package, None)

        with pytest.raises(ConfigurationError, match=rf"Flask-ISR\[{extra}\]"):
            make_site(ISR_ENCODINGS=[name])

    def test_the_stored_page_has_all_forms(self, site: Site) -> None:
        """What the store gives back has the coded bodies, and their bytes count."""
        add_text(site)
        site.get("/")
        [overview] = site.state.store.overview()

        assert isinstance(overview.record, Entry)
        stored = site.state.store.load(overview.record.key)
        assert stored is not None
        assert isinstance(stored.record, Entry)
        [form] = stored.record.coded
        assert gzip.decompress(form.body).decode() == TEXT
        assert stored.record.size == len(TEXT) + len(form.body)
