"""What is watched is what it was, to all who look at it."""

from __future__ import annotations

import copy
import pickle
import typing as t

import pytest
from flask import Request
from flask import request
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.datastructures import EnvironHeaders
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.datastructures import MultiDict
from werkzeug.local import LocalProxy

from tests.conftest import MakeSite
from tests.support import Site
from tests.support import cache_state

from .conftest import Log
from .conftest import add


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
            assert isinstance(request, LocalProxy)
            assert type(request._get_current_object()).__name__ == "Request"
            with pytest.raises(KeyError):
                request.headers["User-Agent"]
            seen.append(pickle.loads(pickle.dumps(args)))
            seen.append(pickle.loads(pickle.dumps(request.cookies)))
            return "page"

        add(site, view, query=["q"], ignore="*")
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
