"""What a page reads of its visitor and does not declare is told to its author, once."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from flask import Request
from flask import Response
from flask import get_flashed_messages
from flask import render_template_string
from flask import request
from flask import session
from flask import stream_with_context
from flask import url_for
from flask.sessions import SecureCookieSession
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.datastructures import EnvironHeaders
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.datastructures import MultiDict

from flask_isr import ISR
from flask_isr import rendering
from flask_isr import revalidate_path
from flask_isr import static_page

from ..conftest import MakeSite
from ..support import Site
from ..support import cache_state

View: t.TypeAlias = t.Callable[[], t.Any]


class Log:
    """What the extension warned of."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def reads(self) -> list[str]:
        """Warnings of undeclared reads, in order."""
        messages = (record.getMessage() for record in self._caplog.records)
        return [message for message in messages if ") reads " in message]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    """What the extension warns of in this test."""
    return Log(caplog)


@pytest.fixture(params=["auto", "wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param, SECRET_KEY="a key")


def add(site: Site, view: View, rule: str = "/page", **arguments: t.Any) -> None:
    """Make *view* a static page."""
    site.app.add_url_rule(rule, rule, static_page(**arguments)(view))


class TestMessage:
    """The warning says what was read, where, and what to write instead."""

    def test_a_query_parameter(self, any_level: Site, log: Log) -> None:
        """The commonest beginner's error, in full."""

        @any_level.app.get("/search")
        @static_page()
        def search() -> str:
            return f"page {request.args.get('page', 1, type=int)}"

        line = search.__wrapped__.__code__.co_firstlineno + 3  # type: ignore[attr-defined]
        any_level.get("/search?page=2")

        [warning] = log.reads
        assert warning == (
            "/search (rule /search) reads the query parameter 'page'"
            f" ({__file__}:{line}, in search()), which it does not declare, so all values"
            ' get one page: @static_page(query=["page"]).'
        )

    def test_the_remedy_keeps_what_is_declared(self, site: Site, log: Log) -> None:
        """It can be copied as it is, and one warning names all that is missing."""

        def view() -> str:
            return str((request.args.get("sort"), request.args.get('q"')))

        add(site, view, query=["page"])
        site.get("/page")

        [warning] = log.reads
        assert r'@static_page(query=["page", "sort", "q\""])' in warning
        assert "all their values" in warning

    def test_a_page_that_is_not_stored_for_want_of_it(
        self, site: Site, log: Log
    ) -> None:
        """The status alone does not say why."""
        add(site, lambda: request.args["q"])

        assert site.get("/page?q=1").text == "1"

        [warning] = log.reads
        assert "'q'" in warning
        assert "so its render does not get it" in warning

    @pytest.mark.parametrize("config", [{}, {"DEBUG": True}, {"TESTING": True}])
    def test_a_render_that_fails_for_want_of_it(
        self, make_site: MakeSite, config: dict[str, t.Any], log: Log
    ) -> None:
        """The exception alone does not say why either; in debug mode it is raised."""
        site = make_site(**config)
        add(site, lambda: str(int(request.args.get("page", ""))))

        assert site.get("/page?page=2").text == "2"

        [warning] = log.reads
        assert "so its render does not get it" in warning

    @pytest.mark.parametrize("installed", [False, True])
    def test_a_package_and_its_template(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        log: Log,
        installed: bool,
    ) -> None:
        """Files are named from the package on, templates with their own lines, and an
        application that was installed by pip is one all the same."""
        folder = tmp_path / "site-packages" if installed else tmp_path
        name = f"reading_shop_{installed}".lower()
        package = folder / name
        (package / "templates").mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "views.py").write_text(
            "from flask import render_template, request\n"
            "\n"
            "def search():\n"
            "    request.args.get('page')\n"
            "    return render_template('search.html')\n"
        )
        (package / "templates" / "search.html").write_text(
            "{% macro theme() %}\n\n{{ request.cookies.theme }}{% endmacro %}\n"
            "{{ theme() }}!\n"
        )
        monkeypatch.syspath_prepend(str(folder))
        app = Flask(name, instance_path=str(tmp_path))
        ISR(app)
        search = importlib.import_module(f"{name}.views").search
        app.add_url_rule("/search", "search", static_page()(search))

        app.test_client().get("/search")
        app.extensions["isr"].store.close()

        query, cookie = log.reads
        assert f"'page' ({name}/views.py:4, in search())" in query
        assert f"'theme' ({name}/templates/search.html:3)" in cookie


class TestQuery:
    """All ways to a query parameter."""

    @pytest.mark.parametrize(
        "read",
        [
            lambda: request.args.get("page"),
            lambda: request.args.get("page", 1, type=int),
            lambda: request.args.getlist("page"),
            lambda: "page" in request.args,
            lambda: request.values.get("page"),
            lambda: request.values.getlist("page"),
            lambda: "page" in request.values,
            lambda: request.args.get("page") if not request.args else "",
            lambda: render_template_string("{{ request.args.page }}"),
            lambda: render_template_string("{{ request.args['page'] }}"),
        ],
    )
    def test_one(self, site: Site, log: Log, read: View) -> None:
        """Its name is told, and how to declare it."""
        add(site, lambda: str(read()) + ".")
        site.get("/page?page=2")

        [warning] = log.reads
        assert '@static_page(query=["page"])' in warning
        assert "all query parameters" not in warning
        assert "<lambda>" not in warning

    @pytest.mark.parametrize(
        "read",
        [
            lambda: dict(request.args),
            lambda: next(iter(request.args), "none"),
            lambda: list(request.args.items()),
            lambda: list(request.args.items(multi=True)),
            lambda: list(request.args.values()),
            lambda: list(request.args.keys()),
            lambda: list(request.args.lists()),
            lambda: list(request.args.listvalues()),
            lambda: request.args.to_dict(flat=False),
            lambda: MultiDict(request.args),
            lambda: request.args.copy() or "none",
            lambda: bool(request.args),
            lambda: url_for("/page", **request.args),  # type: ignore[arg-type]
            lambda: list(request.values.items()),
        ],
    )
    def test_all(self, make_site: MakeSite, log: Log, read: View) -> None:
        """A page that looks at all of them and declares none is told so; one that
        declares some means those."""
        site = make_site()
        add(site, lambda: str(read()) + ".", "/page")
        add(site, lambda: str(read()) + ".", "/declared", query=["q"])
        site.get("/page?page=2")
        site.get("/declared?page=2&q=1")

        [warning] = log.reads
        assert warning.startswith("/page ")
        assert "reads all query parameters" in warning
        assert '@static_page(query=["…"])' in warning

    def test_what_is_declared_is_no_fault(self, any_level: Site, log: Log) -> None:
        """Whether the visitor sent it or not."""
        add(any_level, lambda: request.args.get("page", "1"), query=["page"])

        assert any_level.get("/page?page=2").text == "2"
        assert any_level.get("/page").text == "1"
        assert not log.reads

    def test_a_stream(self, site: Site, log: Log) -> None:
        """What is read while the body is made counts as the view's."""

        def view() -> Response:
            def body() -> t.Iterator[str]:
                yield request.args.get("page", "1")

            return Response(stream_with_context(body()))

        add(site, view)
        site.get("/page")

        [warning] = log.reads
        assert "in body()" in warning
        assert "rendering()" not in warning

    def test_an_async_view(self, site: Site, log: Log) -> None:
        """It runs on a thread of its own."""

        @site.app.get("/page")
        @static_page()
        async def page() -> str:
            return request.args.get("page", "1")

        site.get("/page")
        [warning] = log.reads
        assert "in page()" in warning


STRANGER: list[t.Any] = [
    (lambda: request.cookies.get("theme"), "the cookie 'theme'", "a script"),
    (lambda: "theme" in request.cookies, "the cookie 'theme'", "a script"),
    (lambda: dict(request.cookies), "all cookies", "a script"),
    (lambda: request.headers.get("Cookie"), "the header Cookie", "a script"),
    (lambda: request.authorization, "the header Authorization", "who asks"),
    (
        lambda: "authorization" in request.headers,
        "the header Authorization",
        "who asks",
    ),
    (
        lambda: request.accept_languages.best_match(["de", "en"]),
        "the header Accept-Language",
        "a URL of its own",
    ),
    (
        lambda: request.headers.getlist("ACCEPT-LANGUAGE"),
        "the header Accept-Language",
        "a URL of its own",
    ),
    (
        lambda: request.accept_mimetypes.best_match(["text/html", "application/json"]),
        "the header Accept",
        "each format a URL",
    ),
    (
        lambda: request.headers.get("HX-Request"),
        "the header HX-Request",
        "the fragment",
    ),
    (
        lambda: "x-requested-with" in request.headers,
        "the header X-Requested-With",
        "the fragment",
    ),
    (lambda: request.headers.get("USER_AGENT"), "the header User-Agent", "CSS"),
    (lambda: request.user_agent.string, "the header User-Agent", "CSS"),
    (lambda: "User-Agent" in request.headers, "the header User-Agent", "CSS"),
]


class TestStranger:
    """What a stranger does not have."""

    @pytest.mark.parametrize(("read", "what", "advice"), STRANGER)
    def test_read_by_the_view(
        self, site: Site, log: Log, read: View, what: str, advice: str
    ) -> None:
        """The warning says what everybody gets, and what to do."""
        add(site, lambda: f"{read()}.")
        site.get("/page", headers={"Accept-Language": "de", "Cookie": "theme=x"})

        [warning] = log.reads
        assert f"reads {what} (" in warning
        assert "rendered for a stranger" in warning
        assert advice in warning
        assert "rendering()" not in warning

    @pytest.mark.parametrize("read", [case[0] for case in STRANGER])
    def test_a_page_that_is_not_stored_is_right(
        self, site: Site, log: Log, read: View
    ) -> None:
        """Its visitors are answered on their own requests."""

        def view() -> Response:
            response = Response(f"{read()}.")
            response.set_cookie("seen", "1")
            return response

        add(site, view)

        assert cache_state(site.get("/page")) == "BYPASS"
        assert not log.reads

    @pytest.mark.parametrize(
        "read",
        [
            lambda: request.headers.get("X-Request-ID"),
            lambda: request.headers["Host"],
            lambda: dict(request.headers),
            lambda: request.is_json,
            lambda: request.url,
            lambda: request.full_path,
            lambda: request.form.get("page"),
            lambda: session.get("user"),
            get_flashed_messages,
        ],
    )
    def test_other_things_may_be_read(self, site: Site, log: Log, read: View) -> None:
        """They are not the page's errors, or are taken care of."""
        add(site, lambda: f"{read()}.")
        site.get("/page")
        assert not log.reads


class TestOnce:
    """Nobody's log is flooded."""

    def test_for_each_rule_and_thing(self, site: Site, log: Log) -> None:
        """Neither other pages of a rule nor later renders warn again; another rule does,
        and so does another thing."""
        more = False

        def view(**values: int) -> str:
            request.args.get("page")
            return f"{more and request.args.get('q')}."

        add(site, view, "/a/<int:number>")
        add(site, view, "/b/<int:number>")
        for path in ("/a/1", "/a/2", "/b/1"):
            site.get(path)
        more = True
        with site.app.app_context():
            revalidate_path("/a/1")
        site.get("/a/1")
        site.settle()

        assert ["'page'" in warning for warning in log.reads] == [True, True, False]
        assert "'q'" in log.reads[2]

    def test_one_warning_names_a_few(self, site: Site, log: Log) -> None:
        """A page may ask for any number of names."""
        add(site, lambda: str([request.args.get(f"n{number}") for number in range(99)]))
        site.get("/page")

        [warning] = log.reads
        assert warning.count("the query parameter") == 16

    @pytest.mark.parametrize(
        "config", [{"DEBUG": True}, {"TESTING": True}, {"ISR_ENABLED": False}]
    )
    def test_while_the_extension_is_off(
        self, make_site: MakeSite, log: Log, config: dict[str, t.Any]
    ) -> None:
        """There its author sees it first."""
        site = make_site(**config)
        add(site, lambda: request.args.get("page", "1"))

        assert [site.get("/page?page=2").text for _ in range(2)] == ["1", "1"]
        assert len(log.reads) == 1


class TestOutside:
    """Reads outside a sealed render are nobody's business."""

    def test_a_visitors_own_request(self, site: Site, log: Log) -> None:
        """A dynamic page, and a POST that the view of a static page answers."""
        site.app.add_url_rule(
            "/page",
            view_func=static_page()(lambda: request.args.get("page", "")),
            endpoint="page",
            methods=["POST"],
        )
        site.app.add_url_rule(
            "/dynamic", view_func=lambda: str(request.cookies.get("theme"))
        )

        assert site.app.test_client().post("/page?page=2").text == "2"
        assert site.get("/dynamic").text == "None"
        assert not log.reads

    def test_a_request_that_a_render_makes(self, site: Site, log: Log) -> None:
        """It has parameters of its own."""
        site.app.add_url_rule(
            "/part", view_func=lambda: request.args["n"], endpoint="part"
        )
        add(site, lambda: site.app.test_client().get("/part?n=5").text)

        assert site.get("/page").text == "5"
        assert not log.reads


class TestHooks:
    """Hooks run in the render too."""

    def test_what_a_hook_reads_may_show_in_the_page(
        self, any_level: Site, log: Log
    ) -> None:
        """The warning also says how to spare it a hook that has nothing to do with it."""

        @any_level.app.before_request
        def choose_language() -> None:
            request.accept_languages.best_match(["de", "en"])

        add(any_level, lambda: "page")
        any_level.get("/page")

        [warning] = log.reads
        assert "in choose_language()" in warning
        assert "flask_isr.rendering()" in warning

    def test_a_hook_that_spares_renders(self, any_level: Site, log: Log) -> None:
        """As the warning says."""

        @any_level.app.before_request
        def count_campaign() -> None:
            if not rendering():
                request.args.get("utm_source")

        add(any_level, lambda: "page")
        any_level.get("/page")
        assert not log.reads

    @pytest.mark.parametrize("serve", ["auto", "view"])
    def test_a_hook_after_the_view_that_runs_for_each_visitor(
        self, make_site: MakeSite, log: Log, serve: str
    ) -> None:
        """An A/B cookie given to newcomers is no fault."""
        site = make_site(ISR_SERVE=serve)

        @site.app.after_request
        def give_group(response: Response) -> Response:
            if "group" not in request.cookies:
                response.set_cookie("group", "a")
            return response

        add(site, lambda: "page")
        assert [cache_state(site.get("/page")) for _ in range(2)] == ["MISS", "HIT"]
        assert not log.reads

    def test_a_hook_after_the_view_that_does_not(self, site: Site, log: Log) -> None:
        """It would be missed, unless somebody asked for just that."""

        @site.app.after_request
        def greet(response: Response) -> Response:
            if request.cookies.get("name"):
                response.headers["X-Greeting"] = "hello"
            return response

        add(site, lambda: "page", "/auto")
        add(site, lambda: "page", "/wsgi", serve="wsgi")
        site.get("/auto")
        site.get("/wsgi")

        [warning] = log.reads
        assert warning.startswith("/auto ")
        assert "in greet()" in warning
        assert '@static_page(serve="view")' in warning


LIBRARY = """
import functools
from flask import request

def language():
    return request.accept_languages.best

def identity():
    return request.user_agent.string, request.cookies.get("id"), request.authorization

def greeting():
    return "Hello " + request.cookies.get("name", "stranger")

def paginate():
    return request.args.get("page", "1")

def paginated(view):
    @functools.wraps(view)
    def wrapper():
        return paginate() + view()
    return wrapper
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    """A module that pip has installed."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "isr_test_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "isr_test_library", raising=False)
    return importlib.import_module("isr_test_library")


class TestLibraries:
    """Where the author did nothing wrong, nothing is said."""

    def test_cookies_and_headers_are_a_librarys_own_business(
        self, any_level: Site, log: Log, library: t.Any
    ) -> None:
        """Whether it is called by the view or hooks in."""
        any_level.app.before_request(lambda: library.identity() and None)
        any_level.app.before_request(library.language)
        add(any_level, lambda: f"{library.identity()}.")
        any_level.get("/page")
        assert not log.reads

    def test_a_query_parameter_is_its_callers(
        self, site: Site, log: Log, library: t.Any
    ) -> None:
        """A pagination reads the page that the view depends on."""

        def products() -> str:
            return str(library.paginate())

        add(site, products)
        site.get("/page")

        [warning] = log.reads
        assert f"{__file__}:{products.__code__.co_firstlineno + 1}, in prod" in warning

    def test_a_decorator_of_a_library_is_part_of_the_view(
        self, site: Site, log: Log, library: t.Any
    ) -> None:
        """The view itself is named, since it asked for no parameter."""

        def products() -> str:
            return "."

        add(site, library.paginated(products))
        site.get("/page")

        [warning] = log.reads
        assert (
            f"{__file__}:{products.__code__.co_firstlineno}, in products()" in warning
        )

    def test_an_application_that_is_installed_beside_them(
        self, site: Site, log: Log, library: t.Any
    ) -> None:
        """A module of its own, in the folder where they are."""
        site.app.root_path = str(Path(library.__file__).parent)
        add(site, lambda: f"{library.identity()}.")
        site.get("/page")
        assert not log.reads

    def test_a_view_may_come_from_one(
        self, site: Site, log: Log, library: t.Any
    ) -> None:
        """Whatever was made a static page is the author's own."""
        add(site, library.greeting)
        site.get("/page")

        [warning] = log.reads
        assert "isr_test_library.py" in warning
        assert "in greeting()" in warning

    def test_a_hook_of_a_library(
        self, make_site: MakeSite, log: Log, library: t.Any
    ) -> None:
        """Even where the application is around it, which has overridden Flask."""

        class Own(Flask):
            def full_dispatch_request(self, *args: t.Any) -> Response:
                return super().full_dispatch_request(*args)

        site = make_site(app_class=Own)
        site.app.after_request(
            _in_library(library, "lambda response: (paginate(), response)[1]")
        )
        site.app.before_request(_in_library(library, "lambda: paginate() and None"))
        add(site, lambda: "page")
        site.get("/page")
        assert not log.reads

    @pytest.mark.parametrize("protection", ["basic", "strong"])
    def test_flask_login_and_csrf_protection(
        self, make_site: MakeSite, log: Log, protection: str
    ) -> None:
        """They look at cookies, ``Authorization`` and ``User-Agent`` in each render."""
        site = make_site(SECRET_KEY="a key", SESSION_PROTECTION=protection)
        CSRFProtect(site.app)
        manager = LoginManager(site.app)
        manager.user_loader(lambda user_id: None)
        template = "{{ current_user.is_anonymous }} {{ get_flashed_messages() }}"
        add(site, lambda: render_template_string(template), "/template")
        add(site, lambda: f"{current_user.is_authenticated}", "/view")
        add(site, generate_csrf, "/form")

        assert site.get("/template").text == "True []"
        assert site.get("/view").text == "False"
        assert site.get("/form").status_code == 200
        assert not log.reads

    def test_sessions_of_the_applications_own(self, site: Site, log: Log) -> None:
        """They look for their cookie before anything else happens."""

        class Sessions(SecureCookieSessionInterface):
            def open_session(
                self, app: Flask, request: Request
            ) -> SecureCookieSession | None:
                assert request.cookies.get(app.config["SESSION_COOKIE_NAME"]) is None
                return super().open_session(app, request)

        site.app.secret_key = "a key"
        site.app.session_interface = Sessions()
        add(site, lambda: str(session.get("user")))

        assert site.get("/page").text == "None"
        assert not log.reads


def _in_library(library: t.Any, code: str) -> t.Any:
    return eval(compile(code, library.__file__, "eval"), vars(library))


class TestNothingElseChanges:
    """What is watched is what it was, to all who look at it."""

    def test_values_and_types(self, make_site: MakeSite) -> None:
        """Parameters and cookies stay immutable, copyable, picklable and equal."""
        site = make_site(ISR_ORIGIN="http://a.test")
        plain = ImmutableMultiDict([("q", "1"), ("q", "2")])
        seen: list[t.Any] = []

        def view() -> str:
            args = request.args
            assert isinstance(args, ImmutableMultiDict)
            assert isinstance(request.values, CombinedMultiDict)
            assert isinstance(request.headers, EnvironHeaders)
            assert (repr(args), hash(args)) == (repr(plain), hash(plain))
            assert args == plain
            assert plain == args
            assert (args.get("q", type=int), args["q"]) == (1, "1")
            assert args.getlist("q", type=int) == [1, 2]
            assert list(args.items(multi=True)) == [("q", "1"), ("q", "2")]
            assert (dict(args), {**args}, len(args)) == ({"q": "1"}, {"q": "1"}, 1)
            assert args.to_dict(flat=False) == {"q": ["1", "2"]}
            assert type(args.copy()) is MultiDict
            assert copy.copy(args) is args
            assert copy.deepcopy(args) == plain
            with pytest.raises(TypeError):
                args["q"] = "3"
            with pytest.raises(TypeError):
                request.headers["X"] = "3"
            assert repr(request.headers) == repr(EnvironHeaders(request.environ))
            assert request.headers == EnvironHeaders(request.environ)
            with pytest.raises(KeyError):
                request.headers["User-Agent"]
            seen.append(pickle.loads(pickle.dumps(args)))
            seen.append(pickle.loads(pickle.dumps(request.cookies)))
            return "page"

        add(site, view, query=["q"])
        site.get("/page?q=1&q=2")

        loaded, cookies = seen
        assert type(loaded) is ImmutableMultiDict
        assert loaded == pickle.loads(pickle.dumps(plain))
        assert type(cookies) is ImmutableMultiDict

    def test_an_applications_own_classes(self, site: Site, log: Log) -> None:
        """They are watched as well, where they allow it."""

        class Ordered(MultiDict[str, t.Any]):
            own = True

        class OwnRequest(Request):
            parameter_storage_class = Ordered
            dict_storage_class = dict  # type: ignore[assignment]

        def view() -> str:
            assert isinstance(request.args, Ordered)
            assert request.args.own
            assert type(request.cookies) is dict
            return f"{request.args.get('page')} {request.cookies.get('theme')}"

        site.app.request_class = OwnRequest
        add(site, view)

        assert site.get("/page").text == "None None"
        assert any("'page'" in warning for warning in log.reads)

    def test_a_request_that_is_not_ready_to_be_read(self, site: Site) -> None:
        """Watching asks nothing of a class that it is not able to answer."""

        class OwnRequest(Request):
            def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
                super().__init__(*args, **kwargs)
                self.parameters = MultiDict({"page": "7"})

            @property
            def args(self) -> MultiDict[str, str]:
                return self.parameters

        site.app.request_class = OwnRequest
        add(site, lambda: request.args["page"])

        answers = [site.get("/page") for _ in range(2)]
        assert [answer.text for answer in answers] == ["7", "7"]
        assert [cache_state(answer) for answer in answers] == ["MISS", "HIT"]
