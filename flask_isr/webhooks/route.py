"""The revalidate route: invalidation by senders who know the secret."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from flask import Blueprint
from flask import Response
from flask import jsonify
from flask import request
from flask.blueprints import BlueprintSetupState

from ..errors import NotAStaticPage
from ..errors import StoreUnavailable
from ..pages.invalidation import Invalidation
from ..runtime import Runtime
from ..runtime import current_runtime
from .answers import message
from .answers import no_store
from .answers import unavailable
from .auth import GUARDED_ATTRIBUTE
from .auth import given_token
from .auth import refusal
from .inputs import BadInput
from .inputs import form_values
from .inputs import is_utf8
from .inputs import json_body
from .inputs import query_values
from .tokens import TARGETS
from .tokens import Tokens
from .tokens import names_all

_WORDS = ("match", "mode")


class _Methods(set[str]):
    """The methods that do something. Flask sends all others to the route, too, which
    refuses them in its own manner. HEAD is refused: a sender who asks for headers alone
    expects nothing to be done."""

    def __contains__(self, method: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class _Wanted:
    paths: list[str]
    tags: list[str]
    match: str
    mode: str | None


class _BadRequest(ValueError):
    """The call cannot be understood; the message says why."""


def make_blueprint() -> Blueprint:
    """A blueprint with ``GET`` and ``POST /revalidate``."""
    blueprint = Blueprint("isr", __name__)
    blueprint.add_url_rule(
        "/revalidate",
        "revalidate",
        revalidate_route,
        methods=("GET", "POST"),
        provide_automatic_options=False,
    )
    blueprint.record(_take_all_methods)
    return blueprint


def _take_all_methods(setup: BlueprintSetupState) -> None:
    endpoint = f"{setup.name_prefix}.{setup.name}.revalidate".lstrip(".")
    for rule in setup.app.url_map.iter_rules(endpoint):
        # A listing of routes shows two.
        rule.methods = _Methods(("GET", "POST"))


def revalidate_route() -> Response:
    """Check all targets, expire all of them at once, render the paths, and say how it
    went. A token is good for the targets that it names, the secret for all."""
    runtime = current_runtime()
    allowed = ("GET", "POST") if runtime.settings.revalidate_get else ("POST",)
    if request.method not in allowed:
        return _not_allowed(allowed)
    refused = refusal(request)
    grant = _grant(runtime) if refused is not None else None
    if refused is not None and grant is None:
        return refused
    try:
        wanted = _wanted()
        if grant is not None and not _names_all(runtime, grant, wanted):
            return message(401, "Invalid token")
        items = _items(runtime, wanted)
    except NotAStaticPage as error:
        return message(404, str(error), path=error.path)
    except BadInput as error:
        return message(error.status, str(error))
    except ValueError as error:
        return message(400, str(error))
    try:
        return _carry_out(runtime, wanted, items)
    except StoreUnavailable as error:
        return unavailable(error)


setattr(revalidate_route, GUARDED_ATTRIBUTE, True)


def _not_allowed(allowed: tuple[str, ...]) -> Response:
    names = " or ".join(allowed)
    response = message(405, f"The method is {request.method}; it must be {names}.")
    response.headers["Allow"] = ", ".join(allowed)
    return response


def _grant(runtime: Runtime) -> frozenset[str] | None:
    """The targets that the sent token is good for; ``None`` without a valid token."""
    token = given_token(request)
    if token is None:
        return None
    return Tokens(runtime.settings.secrets, runtime.clock).read(token)


def _names_all(runtime: Runtime, grant: frozenset[str], wanted: _Wanted) -> bool:
    return names_all(
        grant, runtime.revalidator, wanted.paths, wanted.tags, wanted.match
    )


def _wanted() -> _Wanted:
    if not is_utf8(request.query_string):
        raise _BadRequest("The query is not in UTF-8")
    body = json_body(request)
    for name in ("secret", "token"):
        if not isinstance(body.get(name, ""), str):
            raise _BadRequest(f"{name!r} must be a string")
    paths = [*query_values(request, "path"), *form_values(request, "path")]
    tags = [*query_values(request, "tag"), *form_values(request, "tag")]
    paths += _texts(body, "path", "paths")
    tags += _texts(body, "tag", "tags")
    if not paths and not tags:
        raise _BadRequest(_missing())
    if len(paths) + len(tags) > TARGETS:
        raise _BadRequest(f"More than {TARGETS} paths and tags in one call")
    match, mode = (_word(body, name) for name in _WORDS)
    if match is not None and not paths:
        raise _BadRequest("'match' is for paths, and there is none")
    return _Wanted(paths, tags, "path" if match is None else match, mode)


def _missing() -> str:
    if request.is_json or not request.mimetype:
        return "Path is required"
    # Such as curl's, which declares JSON as a form unless it is told otherwise.
    return "Path is required; if the body is JSON, say Content-Type: application/json"


def _texts(body: t.Mapping[str, t.Any], one: str, many: str) -> list[str]:
    listed = body.get(many, [])
    if not isinstance(listed, list):
        raise _BadRequest(f"{many!r} must be a list of strings")
    values = [*([body[one]] if one in body else []), *listed]
    if not all(isinstance(value, str) for value in values):
        raise _BadRequest(f"{one!r} must be a string, and {many!r} a list of strings")
    return values


def _word(body: t.Mapping[str, t.Any], name: str) -> str | None:
    sent = [*query_values(request, name), *form_values(request, name)]
    if body.get(name) is not None:
        sent.append(body[name])
    if not all(isinstance(value, str) for value in sent):
        raise _BadRequest(f"{name!r} must be a string")
    if len(set(sent)) > 1:
        raise _BadRequest(f"{name!r} is given more than once, with different values")
    return sent[0] if sent else None


def _items(runtime: Runtime, wanted: _Wanted) -> list[Invalidation]:
    # "refresh" is for single pages: a sender who names a page by its path wants it.
    page_mode = "refresh" if wanted.match == "path" else "expire"
    path_mode = page_mode if wanted.mode is None else wanted.mode
    check = runtime.revalidator
    items = [check.path(path, wanted.match, path_mode) for path in wanted.paths]
    # If paths and tags are given together, "refresh" is meant for the paths.
    for_paths = wanted.mode is None or (wanted.paths and wanted.mode == "refresh")
    tag_mode = "expire" if for_paths else wanted.mode
    return items + [check.tag(tag, tag_mode) for tag in wanted.tags]


def _carry_out(
    runtime: Runtime, wanted: _Wanted, items: list[Invalidation]
) -> Response:
    failed = runtime.revalidator.record(items)
    runtime.revalidator.settle(items)
    pages = [item for item in items if item.mode == "refresh"]
    more, pending = runtime.revalidator.renew(pages)
    failed |= more
    if failed:
        causes = "; ".join(f"{path}: {cause}" for path, cause in failed.items())
        return message(
            500,
            "Error revalidating",
            revalidated=False,
            failed=failed,
            pending=pending,
            detail=f"{causes}. If there is a last good page, it is still served.",
        )
    response = jsonify(
        revalidated=not pending,
        now=time.time_ns() // 1_000_000,
        paths=wanted.paths,
        tags=wanted.tags,
        **({"pending": pending} if pending else {}),
    )
    response.status_code = 202 if pending else 200
    return no_store(response)
