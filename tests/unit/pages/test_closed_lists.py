"""Closed lists: ``fallback=False`` answers 404 for what ``paths`` lacks."""

from __future__ import annotations

import typing as t

import pytest

from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from tests.conftest import MakeSite
from tests.support import Gate
from tests.support import Site
from tests.support.catalogue import A_MINUTE
from tests.support.catalogue import Catalogue
from tests.support.shop import BEARER


def test_an_unlisted_path_is_404_without_a_render(catalogue: Catalogue) -> None:
    """However many are asked for, nothing is rendered, asked or stored."""
    for number in range(50, 90):
        answer = catalogue.site.get(f"/products/{number}")
        assert answer.status_code == 404
        assert answer.headers["Cache-Control"] == "no-store"
    catalogue.site.settle()
    assert catalogue.renders == []
    assert catalogue.asked == 1
    assert len(list(catalogue.site.state.store.overview())) == 1


def test_the_list_is_one_for_all_processes(
    catalogue: Catalogue, make_site: MakeSite
) -> None:
    """A second process takes the list from the store, and new ones as they come."""
    second = Catalogue(make_site())
    second.products = [1, 2, 3]
    assert (second.status(2), second.status(3)) == (200, 404)
    assert second.asked == 0
    catalogue.products = [1, 2, 3]
    catalogue.call(revalidate_path, "/products/3")
    assert second.status(3) == 200
    assert second.asked == 0


class TestRevalidatingAnUnlistedPath:
    """A newly published item appears without a deploy."""

    @pytest.mark.parametrize("mode", ["expire", "stale", "refresh"])
    def test_it_appears_when_the_call_has_returned(
        self, catalogue: Catalogue, mode: str
    ) -> None:
        """The call asks the list again at once, and waits for it."""
        catalogue.products = [1, 2, 3]
        assert catalogue.status(3) == 404
        catalogue.call(revalidate_path, "/products/3", mode=mode)
        assert catalogue.asked == 2
        assert catalogue.status(3) == 200

    @pytest.mark.parametrize("mode", ["expire", "refresh"])
    def test_so_it_does_by_the_route(self, catalogue: Catalogue, mode: str) -> None:
        """The webhook of the CMS is enough."""
        catalogue.products = [1, 2, 3]
        query = {"path": "/products/3", "mode": mode}
        answer = catalogue.post("/api/revalidate", query_string=query, headers=BEARER)
        assert answer.status_code == 200
        assert catalogue.see("/products/3")[0] == "old"

    def test_many_at_once_ask_once(self, catalogue: Catalogue) -> None:
        """A call that names many new items costs one question."""
        catalogue.products = list(range(1, 30))
        paths = [f"/products/{number}" for number in range(3, 30)]
        answer = catalogue.post(
            "/api/revalidate", json={"paths": paths, "mode": "stale"}, headers=BEARER
        )
        assert answer.status_code == 200
        assert catalogue.asked == 2
        assert {catalogue.status(number) for number in range(3, 30)} == {200}

    def test_what_still_does_not_exist_stays_404(self, catalogue: Catalogue) -> None:
        """The path is that of a static page: no error, no render, and no such page."""
        query = {"path": "/products/77"}
        answer = catalogue.post("/api/revalidate", query_string=query, headers=BEARER)
        assert answer.status_code == 200
        assert catalogue.renders == []
        assert catalogue.status(77) == 404

    def test_a_listed_path_asks_nothing(self, catalogue: Catalogue) -> None:
        """An edit of what exists costs no question."""
        catalogue.call(revalidate_path, "/products/1")
        catalogue.call(revalidate_tag, "products")
        catalogue.site.settle()
        assert catalogue.asked == 1


def test_an_item_committed_after_the_call_appears(site: Site) -> None:
    """Inside a request the list is asked once more at its end."""
    catalogue = Catalogue(site)

    @site.app.post("/add")
    def add() -> str:
        revalidate_path("/products/3")
        catalogue.products = [1, 2, 3]
        return "added"

    assert catalogue.status(3) == 404
    catalogue.post("/add")
    assert catalogue.status(3) == 200


class TestAnOldList:
    """An unlisted visit has a list that is older than a minute asked again."""

    def test_it_is_asked_behind_the_visitor(self, catalogue: Catalogue) -> None:
        """He gets his 404 at once; the next one finds the new item."""
        catalogue.products = [1, 2, 3]
        catalogue.site.clock.advance(A_MINUTE)
        gate = Gate()
        catalogue.questions.append(gate)
        assert catalogue.status(3) == 404
        gate.wait()
        assert catalogue.status(3) == 404
        gate.open()
        catalogue.site.settle()
        assert catalogue.status(3) == 200
        assert catalogue.asked == 2

    def test_it_is_not_asked_within_the_minute(self, catalogue: Catalogue) -> None:
        """Nor because somebody visits what is listed."""
        catalogue.site.clock.advance(59)
        assert (catalogue.status(3), catalogue.status(1)) == (404, 200)
        catalogue.site.clock.advance(2)
        assert catalogue.status(1) == 200
        catalogue.site.settle()
        assert catalogue.asked == 1

    def test_one_question_at_a_time(self, catalogue: Catalogue) -> None:
        """While it is being asked, other visitors do not ask it too."""
        catalogue.site.clock.advance(A_MINUTE)
        gate = Gate()
        catalogue.questions.append(gate)
        assert catalogue.status(50) == 404
        gate.wait()
        for number in range(51, 60):
            assert catalogue.status(number) == 404
        gate.open()
        catalogue.site.settle()
        assert catalogue.asked == 2

    @pytest.mark.parametrize("answer", ["error", "empty"])
    def test_a_source_that_is_ill_is_not_asked_by_each_visitor(
        self, catalogue: Catalogue, answer: str
    ) -> None:
        """A flood of unknown paths does not become a flood of questions to it."""
        catalogue.products = []
        catalogue.list_error = RuntimeError("down") if answer == "error" else None
        catalogue.site.clock.advance(A_MINUTE)
        for number in range(50, 60):
            assert catalogue.status(number) == 404
            catalogue.site.settle()
        assert catalogue.asked == 2


class TestAListThatIsNotTaken:
    """The last list stands where the new one cannot be right, with a warning."""

    @pytest.mark.parametrize(
        ("answer", "error", "said"),
        [
            ([], None, "empty"),
            (None, None, "iterable"),
            ("/products/3", None, "iterable"),
            ([3], RuntimeError("the CMS is down"), "the CMS is down"),
        ],
        ids=["empty", "None", "a string", "an error"],
    )
    def test_the_last_one_stands(
        self,
        catalogue: Catalogue,
        caplog: pytest.LogCaptureFixture,
        answer: t.Any,
        error: Exception | None,
        said: str,
    ) -> None:
        """What was listed is served, what was not is not; the log says why."""
        good, catalogue.products = catalogue.products, answer
        catalogue.list_error = error
        catalogue.call(revalidate_path, "/products/3")
        assert "its last list is kept" in caplog.text
        assert said in caplog.text
        catalogue.products, catalogue.list_error = good, None
        assert (catalogue.status(1), catalogue.status(2)) == (200, 200)
        assert catalogue.status(3) == 404

    def test_without_any_list_the_view_answers(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """At the very first question there is no last one: visitors are not turned away."""
        catalogue = Catalogue(site)
        catalogue.list_error = RuntimeError("the CMS is down")
        assert catalogue.status(1) == 200
        assert catalogue.status(99) == 404
        assert "the CMS is down" in caplog.text
        catalogue.list_error = None
        site.clock.advance(A_MINUTE)
        assert catalogue.status(1) == 200
        assert catalogue.see("/products/1")[1] == "HIT"

    def test_an_empty_list_may_be_the_first(self, site: Site) -> None:
        """A new shop has no products; the first one appears when it is announced."""
        catalogue = Catalogue(site)
        catalogue.products = []
        assert catalogue.status(1) == 404
        assert catalogue.renders == []
        catalogue.products = [1]
        catalogue.call(revalidate_path, "/products/1")
        assert catalogue.status(1) == 200


def test_a_path_that_a_new_list_lacks_is_gone(
    catalogue: Catalogue, make_site: MakeSite
) -> None:
    """Its page, in every process's memory, is not served any more."""
    second = Catalogue(make_site())
    for shop in (catalogue, second):
        shop.warm("/products/1", "/products/2")
        shop.products = [1, 3]
    catalogue.call(revalidate_path, "/products/3")
    for shop in (catalogue, second):
        assert (shop.status(1), shop.status(2), shop.status(3)) == (200, 404, 200)


def test_a_path_that_comes_back_is_rendered_anew(catalogue: Catalogue) -> None:
    """Its old page expired when it went."""
    catalogue.warm("/products/2")
    catalogue.products = [1, 3]
    catalogue.call(revalidate_path, "/products/3")
    catalogue.products, catalogue.text = [1, 2, 3], "new"
    catalogue.call(revalidate_path, "/products/2")
    assert catalogue.see("/products/2")[0] == "new"
