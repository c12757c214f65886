"""Where a page's own links point to, when nobody said it and when somebody did."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import redirect
from flask import request
from flask import url_for
from werkzeug.wrappers import Response

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state


def add_page(site: Site) -> None:
    """A page with an external link to itself, which counts its renders."""
    count = itertools.count(1)

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return f"{next(count)} {url_for('page', _external=True)}"


def visits(site: Site, base_url: str) -> list[tuple[str | None, str]]:
    """States and texts of two visits."""
    answers = [site.get("/page", base_url=base_url) for _ in range(2)]
    return [(cache_state(answer), answer.text) for answer in answers]


class TestUnknown:
    """Without an origin a page may not link to its own host."""

    def test_an_external_link_is_not_stored(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Such a page is answered by the view, with links as its visitor needs them, and
        the log says which setting is missing."""
        add_page(site)

        seen = visits(site, "https://example.com")

        assert [state for state, _ in seen] == ["BYPASS", "BYPASS"]
        assert [text.split()[1] for _, text in seen] == ["https://example.com/page"] * 2
        assert "set ISR_ORIGIN" in caplog.text

    def test_a_link_in_a_header_counts(self, site: Site) -> None:
        """The host may stand in a header as well."""

        @site.app.get("/page")
        @static_page()
        def page() -> tuple[str, dict[str, str]]:
            return "page", {
                "Link": f"<{url_for('page', _external=True)}>; rel=canonical"
            }

        for _ in range(2):
            answer = site.get("/page", base_url="https://example.com")
            assert cache_state(answer) == "BYPASS"
            assert "https://example.com/page" in answer.headers["Link"]

    def test_relative_links_are_stored(self, site: Site) -> None:
        """A page without a word about its host needs no setting."""

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            return url_for("page")

        states = [state for state, _ in visits(site, "https://example.com")]
        assert states == ["MISS", "HIT"]

    @pytest.mark.parametrize(
        ("config", "states"),
        [
            ({}, ["BYPASS", "BYPASS"]),
            ({"ISR_ORIGIN": "https://example.com"}, ["MISS", "HIT"]),
        ],
    )
    def test_a_hook_that_insists_on_https(
        self, make_site: MakeSite, config: dict[str, t.Any], states: list[str]
    ) -> None:
        """Whoever comes first, by whatever scheme, decides nothing for the others."""
        site = make_site(**config)

        @site.app.before_request
        def secure() -> Response | None:
            return None if request.is_secure else redirect("https://example.com/")

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            return "page"

        assert site.get("/page").status_code == 302
        seen = [state for state, _ in visits(site, "https://example.com")]
        assert seen == states
        assert site.get("/page").status_code == 302

    def test_a_redirect_to_the_own_host_is_not_stored(self, site: Site) -> None:
        """A canonical-host hook redirects the stand-in host, and only that."""

        @site.app.before_request
        def canonical() -> Response | None:
            if request.host != "example.com":
                return redirect(f"https://example.com{request.path}")
            return None

        add_page(site)

        assert [state for state, _ in visits(site, "https://example.com")] == [
            "BYPASS",
            "BYPASS",
        ]


class TestKnown:
    """What settings say of the host is believed; what visitors say never is."""

    @pytest.mark.parametrize(
        ("config", "origin"),
        [
            pytest.param(
                {"ISR_ORIGIN": "https://shop.test"}, "https://shop.test", id="origin"
            ),
            pytest.param(
                {"ISR_ORIGIN": "http://shop.test:8080"},
                "http://shop.test:8080",
                id="port",
            ),
            pytest.param({"SERVER_NAME": "shop.test"}, "http://shop.test", id="name"),
            pytest.param(
                {"SERVER_NAME": "shop.test", "PREFERRED_URL_SCHEME": "https"},
                "https://shop.test",
                id="name-and-scheme",
            ),
            pytest.param(
                {"TRUSTED_HOSTS": [".shop.test", "www.shop.test", "shop.test"]},
                "http://www.shop.test",
                id="trusted-hosts",
            ),
        ],
    )
    def test_links_have_the_known_origin(
        self, make_site: MakeSite, config: dict[str, t.Any], origin: str
    ) -> None:
        """A page with external links is stored with the origin that was configured."""
        site = make_site(**config)
        add_page(site)

        text = f"1 {origin}/page"
        assert visits(site, origin) == [("MISS", text), ("HIT", text)]

    @pytest.mark.parametrize(
        ("origin", "server"),
        [
            ("https://shop.test", "shop.test 443"),
            ("http://shop.test:8080", "shop.test 8080"),
            ("http://[::1]", "[::1] 80"),
            ("http://[::1]:8080", "[::1] 8080"),
        ],
    )
    def test_a_render_is_addressed_to_it(
        self, make_site: MakeSite, origin: str, server: str
    ) -> None:
        """Name and port are those of the server there, as applications ask for them."""
        site = make_site(ISR_ORIGIN=origin)

        @site.app.get("/page")
        @static_page()
        def page() -> str:
            environ = request.environ
            return f"{environ['SERVER_NAME']} {environ['SERVER_PORT']}"

        assert site.get("/page", base_url=origin).text == server
        assert cache_state(site.get("/page", base_url=origin)) == "HIT"

    @pytest.mark.parametrize("first", ["http://shop.test", "https://shop.test"])
    def test_a_server_name_says_no_scheme(
        self, make_site: MakeSite, caplog: pytest.LogCaptureFixture, first: str
    ) -> None:
        """Whoever comes first, such as a health check: what shows the address is for those
        who come by it, and the others are answered by the view."""
        site = make_site(SERVER_NAME="shop.test")
        add_page(site)
        site.get("/page", base_url=first)

        http = visits(site, "http://shop.test")
        https = visits(site, "https://shop.test")

        assert [state for state, _ in https] == ["BYPASS", "BYPASS"]
        assert [text.split()[1] for _, text in https] == ["https://shop.test/page"] * 2
        assert http[1] == ("HIT", http[0][1])
        assert http[1][1].split()[1] == "http://shop.test/page"
        assert "visitors come by https://shop.test" in caplog.text
        assert "Set ISR_ORIGIN" in caplog.text

    def test_trusted_hosts_without_a_plain_name(self, make_site: MakeSite) -> None:
        """A pattern for subdomains names no host that could be linked to."""
        site = make_site(TRUSTED_HOSTS=[".shop.test"])
        add_page(site)

        states = [state for state, _ in visits(site, "http://www.shop.test")]
        assert states == ["BYPASS", "BYPASS"]

    def test_an_origin_that_is_not_trusted_warns(
        self, make_site: MakeSite, caplog: pytest.LogCaptureFixture
    ) -> None:
        """TRUSTED_HOSTS that lacks the origin is pointed out at start; pages still work."""
        site = make_site(
            ISR_ORIGIN="https://shop.test", TRUSTED_HOSTS=["www.shop.test"]
        )
        add_page(site)

        seen = visits(site, "http://www.shop.test")

        assert "TRUSTED_HOSTS lacks shop.test" in caplog.text
        assert [text.split()[1] for _, text in seen] == [
            "http://www.shop.test/page"
        ] * 2
        assert [state for state, _ in seen] == ["BYPASS", "BYPASS"]

    def test_an_untrusted_host_is_refused_before_the_page(
        self, make_site: MakeSite
    ) -> None:
        """Flask refuses a host that is not trusted, until the page is in memory."""
        site = make_site(TRUSTED_HOSTS=["shop.test"])
        add_page(site)

        answer = site.get("/page", base_url="http://evil.test")

        assert answer.status_code == 400
