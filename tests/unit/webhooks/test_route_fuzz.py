"""Whatever bytes come: one of the answers that are described, as JSON."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from tests.support import SECRET
from tests.support import Clock
from tests.support import Site
from tests.support.shop import BEARER
from tests.support.shop import PAGE
from tests.support.shop import Shop
from tests.support.shop import is_no_store

pytestmark = pytest.mark.slow

KINDS = st.sampled_from(
    [
        "application/json",
        "application/json; charset=utf-16",
        "application/vnd.cms+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
        "text/xml",
        "",
    ]
) | st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)

NAMES = st.sampled_from(
    ["path", "paths", "tag", "tags", "match", "mode", "secret", "token", "other"]
)
WORDS = st.sampled_from(
    [
        PAGE,
        "/",
        "/nowhere",
        "/blog/<slug>",
        "rule",
        "prefix",
        "expire",
        "refresh",
        SECRET,
    ]
) | st.text(max_size=20)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=5).map(json.dumps).map(str.encode)
FORMS = st.lists(st.tuples(NAMES, WORDS | st.text(max_size=20)), max_size=6).map(
    lambda pairs: "&".join("=".join(pair) for pair in pairs).encode(errors="replace")
)


@st.composite
def mutated(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Something sensible, of which a part is replaced."""
    body = draw(whole)
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 4)))
    return body[:start] + draw(st.binary(max_size=4)) + body[end:]


BODIES = st.one_of(
    st.binary(max_size=60), OBJECTS, FORMS, mutated(OBJECTS), mutated(FORMS)
)
QUERIES = (st.binary(max_size=40) | FORMS | mutated(FORMS)).map(
    lambda query: query.decode("latin-1")
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Shop]:
    """One shop for all examples."""
    site = Site(tmp_path_factory.mktemp("shop"), Clock(), {})
    yield Shop.with_route(site)
    site.close()


def check_described(shop: Shop, statuses: set[int], **request: t.Any) -> None:
    """The answer to *request* is one of these, for programs and for people."""
    answer = shop.post("/api/revalidate", **request)
    assert answer.status_code in statuses
    assert answer.mimetype == "application/json"
    assert is_no_store(answer)
    assert answer.json is not None
    if answer.status_code != 200:
        assert isinstance(answer.json["message"], str)
        assert 0 < len(answer.json["message"]) < 1500


SETTINGS = settings(
    max_examples=500,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@SETTINGS
@given(kind=KINDS, body=BODIES, query=QUERIES)
def test_what_a_sender_with_the_secret_sends(
    shop: Shop, kind: str, body: bytes, query: str
) -> None:
    """Done, or refused for what it is: never an error of the server."""
    request = {"data": body, "content_type": kind, "headers": BEARER}
    environ = {"QUERY_STRING": query}
    check_described(shop, {200, 400, 404}, environ_overrides=environ, **request)


@SETTINGS
@given(
    kind=KINDS, body=BODIES, query=QUERIES, bearer=st.none() | st.binary(max_size=20)
)
def test_what_a_stranger_sends(
    shop: Shop, kind: str, body: bytes, query: str, bearer: bytes | None
) -> None:
    """Invalid token, unless the right secret was among it."""
    environ: dict[str, t.Any] = {"QUERY_STRING": query}
    if bearer is not None:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {bearer.decode('latin-1')}"
    known = SECRET.encode() in body or SECRET in query
    statuses = {200, 400, 401, 404} if known else {401}
    request = {"data": body, "content_type": kind}
    check_described(shop, statuses, environ_overrides=environ, **request)
