"""Applications that tell hosts apart: ``host_matching`` and subdomains."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from flask import Flask
from flask import request as visit
from flask import url_for
from werkzeug.test import TestResponse

from flask_isr import ISR
from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from flask_isr.cli import isr_commands
from flask_isr.errors import ConfigurationError
from flask_isr.errors import NotAStaticPage
from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state


class HostMatching(Flask):
    """An application that matches whole hosts."""

    def __init__(self, name: str, **kwargs: t.Any) -> None:
        super().__init__(name, host_matching=True, static_host="www.test", **kwargs)


class SubdomainMatching(Flask):
    """An application that matches subdomains of ``SERVER_NAME``."""

    def __init__(self, name: str, **kwargs: t.Any) -> None:
        super().__init__(name, subdomain_matching=True, **kwargs)


def ask(site: Site, url: str) -> TestResponse:
    """GET *url*, host and all."""
    host, slash, path = url.partition("/")
    return site.get(slash + path, base_url=f"http://{host}")


def texts(site: Site, *urls: str) -> list[str]:
    """What visitors get."""
    return [ask(site, url).text for url in urls]


@pytest.fixture(params=["host", "subdomain"])
def hosts(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site with a page of its own on each of two hosts, and one per tenant."""
    by_host = request.param == "host"
    site = make_site(
        app_class=HostMatching if by_host else SubdomainMatching,
        SERVER_NAME=None if by_host else "site.test",
        TRUSTED_HOSTS=["site.test", ".site.test"],
    )
    runs = itertools.count(1)

    def options(host: str) -> dict[str, str]:
        if by_host:
            return {"host": f"{host}.site.test" if host else "site.test"}
        return {"subdomain": host} if host else {}

    @site.app.get("/", **options(""))
    @static_page(tags=["home"])
    def home() -> str:
        return f"home {next(runs)}"

    @site.app.get("/", **options("shop"))
    @static_page()
    def shop() -> str:
        return f"shop {next(runs)}"

    @site.app.get("/p/<int:number>", **options("<tenant>"))
    @static_page(tags=["tenant:{tenant}"], query=["page"])
    def page(number: int, tenant: str) -> str:
        return f"{tenant} {number} {visit.args.get('page')} {next(runs)}"

    @site.app.get("/self", **options("<tenant>"))
    @static_page()
    def own(tenant: str) -> str:
        return url_for("own", tenant=tenant, _external=True)

    return site


class TestPages:
    """The same path on two hosts is two pages."""

    def test_each_host_has_its_own(self, hosts: Site) -> None:
        """They are rendered and served apart, at full speed."""
        urls = ("site.test/", "shop.site.test/", "a.site.test/p/1", "b.site.test/p/1")
        first, second = texts(hosts, *urls), texts(hosts, *urls)

        assert first == second == ["home 1", "shop 2", "a 1 None 3", "b 1 None 4"]
        for url in urls:
            assert cache_state(ask(hosts, url)) == "HIT"

    def test_ports_and_case_make_no_pages(self, hosts: Site) -> None:
        """A host is its name; its port is a stranger's choice."""
        ask(hosts, "a.site.test/p/1")

        for host in ("A.Site.Test", "a.site.test:80", "a.site.test:1234"):
            answer = ask(hosts, f"{host}/p/1")
            # With another port than the site's, a host rule of Flask's does not match.
            assert answer.text == "a 1 None 1" or answer.status_code == 404
        assert len(list(hosts.state.store.overview())) == 1

    @pytest.mark.parametrize("host", ["evil.test", "site.test.evil.test", "", "a b"])
    def test_an_untrusted_host_gets_nothing_and_leaves_nothing(
        self, hosts: Site, host: str
    ) -> None:
        """It is refused by Flask, before and after the page is stored."""
        for _ in range(2):
            answer = hosts.get("/", headers={"Host": host})
            assert answer.status_code in (400, 404)
            ask(hosts, "site.test/")
        assert len(list(hosts.state.store.overview())) == 1

    def test_links_of_a_page_are_those_of_its_host(self, hosts: Site) -> None:
        """It is rendered on the host that it is for."""
        for name in ("a", "b"):
            for _ in range(2):
                text = ask(hosts, f"{name}.site.test/self").text
                assert text == f"http://{name}.site.test/self"


class TestRevalidation:
    """A path is that path on every host: more than was asked for, never less."""

    def test_a_path(self, hosts: Site) -> None:
        """All hosts have new pages; those that are stored are rendered behind."""
        urls = ("site.test/", "shop.site.test/", "a.site.test/p/1")
        before = texts(hosts, *urls)
        with hosts.app.app_context():
            revalidate_path("/")
        hosts.settle()
        answers = [ask(hosts, url) for url in urls]

        assert [cache_state(answer) for answer in answers] == ["HIT"] * 3
        changed = [
            answer.text != text for answer, text in zip(answers, before, strict=True)
        ]
        assert changed == [True, True, False]

    def test_a_variant(self, hosts: Site) -> None:
        """A query string names that variant, on every host."""
        urls = [
            f"{name}.site.test/p/1{query}" for name in "ab" for query in ("", "?page=2")
        ]
        before = texts(hosts, *urls)
        with hosts.app.app_context():
            revalidate_path("/p/1?page=2")
        hosts.settle()
        after = texts(hosts, *urls)

        same = [one == other for one, other in zip(before, after, strict=True)]
        assert same == [True, False, True, False]

    def test_a_tag_with_the_tenant(self, hosts: Site) -> None:
        """Values of the host are values of the URL."""
        before = texts(hosts, "a.site.test/p/1", "b.site.test/p/1")
        with hosts.app.app_context():
            revalidate_tag("tenant:a")
        after = texts(hosts, "a.site.test/p/1", "b.site.test/p/1")

        assert before[0] != after[0]
        assert before[1] == after[1]

    @pytest.mark.parametrize("path", ["/p/x", "/nothing"])
    def test_a_path_on_no_host(self, hosts: Site, path: str) -> None:
        """A path that no host has is named."""
        with hosts.app.app_context(), pytest.raises(NotAStaticPage):
            revalidate_path(path)


class TestDeclarations:
    """What the application must say."""

    @pytest.mark.parametrize("app_class", [HostMatching, SubdomainMatching])
    def test_hosts_must_be_trusted(
        self, make_site: MakeSite, app_class: type[Flask]
    ) -> None:
        """Else strangers make hosts up, and each of them pages."""
        site = make_site(app_class=app_class, SERVER_NAME="www.test")
        by_host = app_class is HostMatching
        options: dict[str, t.Any] = {"host" if by_host else "subdomain": "www.test"}
        site.app.add_url_rule("/", "page", static_page()(lambda: ""), **options)

        with pytest.raises(ConfigurationError, match="TRUSTED_HOSTS is not set"):
            ask(site, "www.test/")

    def test_without_static_pages_nothing_is_asked_for(
        self, make_site: MakeSite
    ) -> None:
        """An application that has none works as without the extension."""
        site = make_site(app_class=HostMatching)
        site.app.add_url_rule("/", "page", lambda name: f"hello {name}", host="<name>")

        assert texts(site, "any.test/") == ["hello any.test"]

    def test_a_subdomain_that_flask_ignores_is_named(self, site: Site) -> None:
        """Flask looks at subdomains only where it was told to."""
        site.app.add_url_rule("/", "page", static_page()(lambda: ""), subdomain="shop")

        with pytest.raises(ConfigurationError, match="subdomain_matching=True"):
            site.get("/")


class TestLists:
    """Pages that are known ahead."""

    @pytest.fixture
    def listed(self, make_site: MakeSite) -> Site:
        """A site that is closed over two tenants' pages."""
        site = make_site(
            app_class=HostMatching, TRUSTED_HOSTS=["www.test", ".tenants.test"]
        )
        paths = [{"tenant": "a", "slug": "x"}, {"tenant": "b", "slug": "y"}]

        @site.app.get("/<slug>", host="<tenant>.tenants.test")
        @static_page(paths=paths, fallback=False)
        def page(slug: str, tenant: str) -> str:
            return f"{tenant} {slug}"

        @site.app.get("/", host="www.test")
        @static_page()
        def home() -> str:
            return "home"

        return site

    def test_they_are_built_on_their_hosts(self, listed: Site) -> None:
        """``flask isr build`` renders each page where its values put it."""
        result = listed.app.test_cli_runner().invoke(isr_commands, ["build"])

        assert result.exit_code == 0, result.output
        answers = [
            ask(listed, url)
            for url in ("a.tenants.test/x", "b.tenants.test/y", "www.test/")
        ]
        assert [answer.text for answer in answers] == ["a x", "b y", "home"]
        assert [cache_state(answer) for answer in answers] == ["HIT"] * 3

    def test_each_is_built_once(self, make_site: MakeSite) -> None:
        """Where several hosts have the path, by the view that it has there."""
        site = make_site(app_class=HostMatching, TRUSTED_HOSTS=["a.test", "b.test"])
        for name in "ab":
            view = static_page()(lambda name=name: f"page of {name}")
            site.app.add_url_rule("/", name, view, host=f"{name}.test")

        result = site.app.test_cli_runner().invoke(isr_commands, ["build"])

        rows = [line.split() for line in result.output.splitlines()]
        assert [row[1:4] for row in rows if row[:1] == ["/"]] == [["1", "0", "0"]] * 2
        assert [ask(site, f"{name}.test/").text for name in "ab"] == [
            "page of a",
            "page of b",
        ]

    def test_a_path_that_is_not_listed_is_404(self, listed: Site) -> None:
        """A list is of paths; hosts are checked by Flask."""
        assert ask(listed, "a.tenants.test/z").status_code == 404
        assert ask(listed, "a.tenants.test/x").status_code == 200

    def test_commands_show_the_host(self, listed: Site) -> None:
        """``flask isr pages`` lists it, and ``flask isr show`` takes what is listed."""
        runner = listed.app.test_cli_runner()
        ask(listed, "a.tenants.test/x")
        pages = runner.invoke(isr_commands, ["pages"]).output
        shown = runner.invoke(isr_commands, ["show", "//a.tenants.test/x"]).output

        assert "//a.tenants.test/x" in pages
        assert "1 page." in pages
        assert "FRESH" in shown

    def test_show_must_be_told_the_host(self, listed: Site) -> None:
        """A path alone is no page, and is not said to lack one."""
        result = listed.app.test_cli_runner().invoke(isr_commands, ["show", "/"])

        assert result.exit_code == 1
        assert "name one, as in //www.test/" in result.stderr


@pytest.mark.parametrize("serve", ["wsgi", "view"])
def test_a_rule_for_one_port_is_not_answered_with_anothers_page(
    make_site: MakeSite, serve: str
) -> None:
    """What is stored is on no port."""
    site = make_site(
        app_class=HostMatching, TRUSTED_HOSTS=["www.test"], ISR_SERVE=serve
    )

    @site.app.get("/", host="www.test")
    @static_page()
    def home() -> str:
        return "home"

    @site.app.get("/", host="www.test:8000")
    def console() -> str:
        return "console"

    for _ in range(2):
        assert texts(site, "www.test/", "www.test:8000/") == ["home", "console"]
    assert cache_state(ask(site, "www.test/")) == "HIT"


def test_two_applications_do_not_share_the_rule(make_site: MakeSite) -> None:
    """An application whose rules have no hosts is as it was: the host is no key."""
    site = make_site()
    site.app.add_url_rule("/", "page", static_page()(lambda: "page"))

    states = [cache_state(ask(site, f"{name}.test/")) for name in "abc"]

    assert states == ["MISS", "HIT", "HIT"]
    assert isinstance(site.isr, ISR)


def test_a_stored_page_is_anybodys_where_hosts_are_not_told_apart(
    make_site: MakeSite,
) -> None:
    """An untrusted host is refused where Flask is asked, and else gets what all get."""
    site = make_site(TRUSTED_HOSTS=["site.test"])

    @site.app.get("/")
    @static_page()
    def home() -> str:
        return "home"

    @site.app.get("/host")
    @static_page()
    def host() -> str:
        return f"home of {visit.host}"

    assert ask(site, "evil.test/").status_code == 400
    assert ask(site, "site.test/").text == "home"
    assert ask(site, "evil.test/").text == "home"
    # A page that looks at the host is for that of the render.
    assert ask(site, "site.test/host").text == "home of site.test"
    assert ask(site, "evil.test/host").status_code == 400
