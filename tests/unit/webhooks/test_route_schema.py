"""The route is what ``docs/openapi.yaml`` says, in the eyes of schemathesis."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings
from schemathesis.specs.openapi import checks

from tests.conftest import MakeSite
from tests.support import Clock
from tests.support import Site
from tests.support.shop import BEARER
from tests.support.shop import PAGE
from tests.support.shop import Plug
from tests.support.shop import Shop

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIEnvironment

pytestmark = pytest.mark.slow

DESCRIPTION = Path(__file__).parents[3] / "docs" / "openapi.yaml"


class _Served:
    """The application that is tried; the description is read before it can be made.

    :ivar app: set by a fixture.
    """

    app: Flask

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        return self.app(environ, start_response)


served = _Served()
schema = schemathesis.openapi.from_path(DESCRIPTION)
schema.app = served
# Nobody listens there: requests go to the application.
schema.config.update(base_url="http://localhost/api")


@pytest.fixture(scope="module")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[None]:
    site = Site(tmp_path_factory.mktemp("shop"), Clock(), {})
    served.app = Shop.with_route(site).site.app
    yield
    site.close()


# A schema cannot say what targets in the query and in the body are together.
EXCLUDED: list[t.Any] = [checks.positive_data_acceptance]

# Of one answer by itself.
CONFORMANCE: list[t.Any] = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


# One for each method: pytest would call both cases of one test by one name, and with
# several workers run only the first.
GET, POST = (schema.include(method=method) for method in ("GET", "POST"))


def trials(number: int) -> settings:
    """So many cases, the same in each run."""
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.usefixtures("_shop")
class TestAsDescribed:
    """Whatever is sent, right and wrong: statuses, types, headers and bodies of the
    answers, and that what breaks the description is refused."""

    @GET.parametrize()
    @trials(100)
    def test_get(self, case: schemathesis.Case[t.Any]) -> None:
        """Targets in the query."""
        case.call_and_validate(headers=BEARER, excluded_checks=EXCLUDED)

    @POST.parametrize()
    @trials(100)
    def test_post(self, case: schemathesis.Case[t.Any]) -> None:
        """And in bodies."""
        case.call_and_validate(headers=BEARER, excluded_checks=EXCLUDED)


@pytest.mark.usefixtures("_shop")
class TestWithoutASecret:
    """401, or 405 for another method: nothing else is told to a stranger."""

    @GET.parametrize()
    @trials(30)
    def test_get(self, case: schemathesis.Case[t.Any]) -> None:
        """By a link."""
        answer = case.call_and_validate(excluded_checks=EXCLUDED)
        assert answer.status_code in (401, 405)

    @POST.parametrize()
    @trials(30)
    def test_post(self, case: schemathesis.Case[t.Any]) -> None:
        """By a webhook."""
        answer = case.call_and_validate(excluded_checks=EXCLUDED)
        assert answer.status_code in (401, 405)


def check(shop: Shop, method: str = "POST", **request: t.Any) -> int:
    """The status of an answer that is as described."""
    client = shop.site.app.test_client(use_cookies=False)
    request.setdefault("headers", BEARER)
    answer = client.open("/api/revalidate", method=method, buffered=True, **request)
    case = schema["/revalidate"][method].Case()
    case.validate_response(answer, checks=CONFORMANCE)
    return answer.status_code


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_answer_that_is_described_is_given(
    make_site: MakeSite, method: str
) -> None:
    """And described as it is given: none is missing on either side."""
    shop = Shop.with_route(make_site())
    shop.warm(PAGE)
    given = {
        check(shop, method, json={"path": PAGE, "mode": "stale"}),
        check(shop, method, json={"tags": ["a"]}),
        check(shop, method, json={}),
        check(shop, method, json={"path": "/nowhere"}),
        check(shop, method, data="x" * 300_000, content_type="application/json"),
        check(shop, method, headers={}),
    }
    hasty = Shop.with_route(make_site(ISR_WAIT_TIMEOUT=0.05))
    gate = hasty.stop_next_render()
    given.add(check(hasty, method, json={"path": PAGE}))
    gate.open()
    hasty.site.settle()
    shop.error = RuntimeError("the CMS is down")
    given.add(check(shop, method, json={"path": PAGE}))
    plug = Plug(shop.site.state.settings.folder)
    plug.pull()
    given.add(check(shop, method, json={"tag": "a"}))
    plug.push()
    if method == "GET":
        off = Shop.with_route(make_site(ISR_REVALIDATE_GET=False))
        given.add(check(off, method))
    described = schema.raw_schema["paths"]["/revalidate"][method.lower()]["responses"]
    assert given | {405} == set(map(int, described))


def test_the_examples_of_the_description_work(shop: Shop) -> None:
    """Each is accepted as it stands."""
    bodies = schema.raw_schema["components"]["requestBodies"]["Targets"]["content"]
    examples = bodies["application/json"]["examples"].values()
    assert [check(shop, json=example["value"]) for example in examples] == [200] * 4
