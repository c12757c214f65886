"""What is made of the exceptions of a view: by handlers, and by whoever wraps them."""

from __future__ import annotations

import functools
import typing as t

import pytest
from flask import Response
from flask import abort
from flask import after_this_request

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support import cache_state

Wrap: t.TypeAlias = t.Callable[[t.Callable[..., t.Any]], t.Callable[..., t.Any]]

#: What Flask calls with the exceptions of views; some of its releases with more beside.
METHODS = ("handle_user_exception", "handle_http_exception", "handle_exception")


def anything(method: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """As Flask-CORS does it."""

    def wrapped(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return method(*args, **kwargs)

    return wrapped


def with_options(method: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """With parameters of its own."""

    def wrapped(*args: t.Any, log: bool = True, again: bool = False) -> t.Any:
        return method(*args)

    return wrapped


def partial(method: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """As Flask-RESTful and Flask-RESTX do it."""

    def route(original: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        return original(*args)

    return functools.partial(route, method)


class Object:
    """An object that is called, of which no signature can be told."""

    __signature__ = "none"

    def __init__(self, method: t.Callable[..., t.Any]) -> None:
        self._method = method

    def __call__(self, *args: t.Any) -> t.Any:
        """Hand it on."""
        return self._method(*args)


class RowMissingError(Exception):
    """What a view raises."""


@pytest.fixture(params=["wsgi", "view"])
def any_level(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """A site that serves at one level or the other."""
    return make_site(ISR_SERVE=request.param)


def seen(site: Site, visits: int = 3) -> list[tuple[int, str | None]]:
    """Status and state of some visits."""
    answers = []
    for _ in range(visits):
        answer = site.get("/page")
        site.settle()
        answers.append((answer.status_code, cache_state(answer)))
    return answers


@pytest.mark.parametrize("wrap", [anything, with_options, partial, Object])
@pytest.mark.parametrize("raises", ["abort", "exception"])
def test_others_may_wrap_what_flask_asks(
    any_level: Site, wrap: Wrap, raises: str
) -> None:
    """In whatever way: it is called as Flask calls it, once for each exception."""
    site = any_level
    for name in METHODS:
        setattr(site.app, name, wrap(getattr(site.app, name)))
    handled: list[Exception] = []

    @site.app.errorhandler(RowMissingError)
    @site.app.errorhandler(404)
    def gone(error: Exception) -> tuple[str, int]:
        handled.append(error)
        return "gone", 404

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        if raises == "abort":
            abort(404)
        raise RowMissingError

    assert seen(site) == [(404, "MISS"), (404, "HIT"), (404, "HIT")]
    assert len(handled) == 1


def test_what_nobody_handles_is_no_page(any_level: Site, clock: Clock) -> None:
    """Whatever the handler of all that is left makes of it: the last good page stays."""
    site = any_level
    broken: list[bool] = []

    @site.app.errorhandler(500)
    def hide(error: Exception) -> tuple[str, int]:
        return "nothing to see here", 404

    @site.app.get("/page")
    @static_page(60)
    def page() -> str:
        if broken:
            raise RowMissingError
        return "page"

    seen(site, 1)
    broken.append(True)
    clock.advance(61)

    assert seen(site) == [(200, "STALE")] * 3
    assert "detail=error" in site.get("/page").headers["Cache-Status"]


def test_what_a_view_leaves_for_its_answer_is_done_once(any_level: Site) -> None:
    """``after_this_request`` of the view and of the error handler belong to the stored
    answer; that of a hook is no part of what the view gave."""
    site = any_level

    def add(name: str) -> None:
        @after_this_request
        def note(response: Response) -> Response:
            response.headers.add("X-Done", name)
            return response

    @site.app.before_request
    @site.isr.skip_on_hit
    def before() -> None:
        add("hook")

    @site.app.errorhandler(404)
    def gone(error: Exception) -> tuple[str, int]:
        add("handler")
        return "gone", 404

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        add("view")
        abort(404)

    for state in ("MISS", "HIT", "HIT"):
        answer = site.get("/page")
        assert (answer.status_code, cache_state(answer)) == (404, state)
        assert sorted(answer.headers.getlist("X-Done")) == ["handler", "hook", "view"]


def test_a_decorator_above_may_catch_what_the_view_raises(site: Site) -> None:
    """As without the extension: what it makes of that is the page."""

    def in_json(view: t.Callable[[], t.Any]) -> t.Callable[[], t.Any]:
        @functools.wraps(view)
        def answer() -> t.Any:
            try:
                return view()
            except RowMissingError:
                return {"error": "no such row"}, 404

        return answer

    @site.app.get("/page")
    @in_json
    @static_page()
    def page() -> str:
        raise RowMissingError

    for state in ("MISS", "HIT", "HIT"):
        answer = site.get("/page")
        assert (answer.status_code, cache_state(answer)) == (404, state)
        assert answer.json == {"error": "no such row"}
