"""Flask-Talisman: HTTPS, security headers, nonces."""

from __future__ import annotations

import pytest
from flask import render_template_string
from flask_talisman import Talisman
from werkzeug.test import TestResponse

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)

ORIGIN = "https://example.com"
POLICY = {"default-src": "'self'", "script-src": "'self'"}


def add_page(site: Site, text: str) -> None:
    """A page that shows a template."""

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return render_template_string(text)


def get(site: Site, origin: str = ORIGIN) -> TestResponse:
    """Ask for the page."""
    return site.get("/page", base_url=origin)


def nonce_of(answer: TestResponse) -> str:
    """The nonce in the answer's policy."""
    policy = answer.headers["Content-Security-Policy"]
    return policy.split("'nonce-")[1].split("'")[0]


@pytest.fixture
def secure(make_site: MakeSite) -> Site:
    """A site whose scripts need a nonce."""
    site = make_site(ISR_ORIGIN=ORIGIN)
    Talisman(
        site.app,
        content_security_policy=POLICY,
        content_security_policy_nonce_in=["script-src"],
    )
    return site


def test_stored_pages_have_its_headers(secure: Site) -> None:
    """Each once, and a nonce that is new for each visitor."""
    add_page(secure, "a page")
    answers = [get(secure) for _ in range(3)]
    assert [cache_state(answer) for answer in answers] == ["MISS", "HIT", "HIT"]
    assert len({nonce_of(answer) for answer in answers}) == 3
    for answer in answers:
        assert len(answer.headers.getlist("Strict-Transport-Security")) == 1
        assert len(answer.headers.getlist("Content-Security-Policy")) == 1


def test_who_comes_by_http_is_sent_to_https(secure: Site) -> None:
    """Before and after the page is stored."""
    add_page(secure, "a page")
    for _ in range(2):
        answer = get(secure, "http://example.com")
        assert (answer.status_code, answer.location) == (302, f"{ORIGIN}/page")
        get(secure)


def test_a_page_with_a_nonce_in_it_is_not_static(
    secure: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Each visitor's script has the nonce of his own policy."""
    add_page(secure, "<script nonce='{{ csp_nonce() }}'></script>")
    nonces = set()
    for _ in range(3):
        answer = get(secure)
        assert cache_state(answer) == "BYPASS"
        assert nonce_of(answer) in answer.text
        nonces.add(nonce_of(answer))
    assert len(nonces) == 3
    assert "it has a Content-Security-Policy nonce" in caplog.text


def test_a_site_that_claims_to_be_on_http_cannot_render(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """Its render is sent to HTTPS like any visitor; visitors get their page all the
    same, and the log says why it is not stored."""
    site = make_site(ISR_ORIGIN="http://example.com")
    Talisman(site.app)
    add_page(site, "a page")
    for _ in range(2):
        answer = get(site)
        assert (answer.text, cache_state(answer)) == ("a page", "BYPASS")
    assert "it redirects (status 302)" in caplog.text
