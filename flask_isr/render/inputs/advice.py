"""What authors are told of a page that reads what it does not declare."""

from __future__ import annotations

import json
import typing as t

from ...core.inputs import field_name
from ...core.outcome import PerVisitor
from .reads import Read

_INPUT = "Requests that bring it are answered by the view"

_INPUTS = {
    "cookie": f"{_INPUT}: read it in the browser by a script",
    "accept": (
        "Requests that do not ask for this type are answered by the view: give each"
        " format a URL of its own"
    ),
    "authorization": f"{_INPUT}: take @static_page off if all do",
}

_HINT = (
    "The page is rendered without it, and stored for all visitors. If the page does not"
    " depend on it, do not read it while flask_isr.rendering() is true"
)

_OBSTACLES = {
    "accept-language": (
        "Every browser sends it: give each language a URL of its own, such as"
        " /<language>/…, and let a view without @static_page redirect to it"
    ),
    "user-agent": "Every browser sends it: let CSS or a script adapt the page",
    "cookie": "Read those that the page needs by their names",
    "all headers": "Read those that the page needs by their names",
    "address": "Every visitor has one: take @static_page off the view",
}

_RUN_THE_HOOK = (
    "The hook does not run for visitors who get the page from the store:"
    ' @static_page(serve="view") has it run for each of them.'
)


def warnings(
    reads: t.Iterable[Read], declared: t.Sequence[str], *, stored: bool
) -> list[str]:
    """Sentences that go on after the page's name and "reads".

    :param declared: names of the query parameters that the page declares.
    :param stored: whether the page is stored, without what it did not find.
    """
    # Sorted, since a view may read in the order of a set: it differs in each process.
    reads = sorted(
        (read for read in reads if read.effect != "obstacle"),
        key=lambda read: (read.kind, read.name or ""),
    )
    early = [read for read in reads if not read.late]
    parameters = [read for read in early if read.kind == "query"]
    texts = [_of_parameters(parameters, declared, stored)] if parameters else []
    texts += [_of_input(read) for read in early if read.kind != "query"]
    texts += [f"{_named(read)}. {_RUN_THE_HOOK}" for read in reads if read.late]
    return texts


def not_stored(read: Read) -> PerVisitor:
    """The verdict on a page that reads what every visitor brings."""
    key = read.name if read.kind == "header" and read.name else read.kind
    if read.kind == "header" and read.name is None:
        key = "all headers"
    cure = _OBSTACLES.get(key, "Every browser or proxy sends it")
    if read.name is not None:
        cure += _ignore(read)
    return PerVisitor(f"it reads {_what(read)}", str(read.caller), f"{cure}.")


def without_origin(read: Read) -> PerVisitor:
    """The verdict on a page that reads the host or the scheme if ``ISR_ORIGIN`` is not
    set."""
    cure = "Set ISR_ORIGIN to the address of the site."
    return PerVisitor(f"it reads {_what(read)}", str(read.caller), cure)


def _of_parameters(reads: list[Read], declared: t.Sequence[str], stored: bool) -> str:
    named = [read for read in reads if read.name is not None]
    what = " and ".join(map(_named, named or reads))
    names = [*declared, *(str(read.name) for read in named)]
    query = json.dumps(names, ensure_ascii=False) if named else '["…"]'
    effect = _effect(many=len(named) != 1, stored=stored)
    remedy = f"@static_page(query={query})"
    if stored:
        remedy += " has a page stored for each value"
    return f"{what}, which it does not declare, so {effect}: {remedy}."


def _effect(*, many: bool, stored: bool) -> str:
    it = "them" if many else "it"
    if stored:
        return f"visitors who send {it} are answered by the view"
    return f"the render does not get {it}"


def _of_input(read: Read) -> str:
    if read.effect == "hint":
        return f"{_named(read)}. {_HINT}{_ignore(read)}."
    key = read.name if read.kind == "header" else read.kind
    return f"{_named(read)}. {_INPUTS.get(str(key), _INPUT)}{_ignore(read)}."


def _ignore(read: Read) -> str:
    if read.name is None:
        return ""
    name = {"address": "Remote-Addr"}.get(read.kind, read.name)
    if read.kind == "header":
        name = field_name(str(name))
    listed = json.dumps([name], ensure_ascii=False)
    if read.effect == "hint":
        return f", or say @static_page(ignore={listed})"
    return f". If the page does not depend on it, say @static_page(ignore={listed})"


def _named(read: Read) -> str:
    return f"{_what(read)} ({read.caller})"


def _what(read: Read) -> str:
    if read.name is None:
        return {
            "query": "all query parameters",
            "cookie": "all cookies",
        }.get(read.kind, "all headers")
    return {
        "variable": f"the variable {read.name!r} of the WSGI environ",
        "query": f"the query parameter {read.name!r}",
        "cookie": f"the cookie {read.name!r}",
        "header": f"the header {field_name(read.name)}",
        "host": "the host of the request",
        "scheme": "the scheme of the request",
        "address": "the visitor's address",
    }[read.kind]
