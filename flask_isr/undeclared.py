"""What people are told of a page that reads what it does not declare."""

from __future__ import annotations

import json
import typing as t

from .reads import Read

_FRAGMENT = (
    "A page is rendered for a stranger, whose browser opens it as a whole, and scripts get"
    " that page as well: give the fragment a URL of its own, or take @static_page off the"
    " view."
)

_STRANGER = {
    "cookie": (
        "A page is rendered for a stranger, who sends none, and everybody gets that page,"
        " whatever his cookies: read it in the browser by a script, or take @static_page"
        " off the view."
    ),
    "Authorization": (
        "A page is rendered for a stranger, who is not signed in, and everybody gets that"
        " page: take @static_page off a view whose answer depends on who asks."
    ),
    "Accept": (
        "A page is rendered for a stranger, whose browser asks for HTML, and everybody gets"
        " that page: give each format a URL of its own, or take @static_page off the view."
    ),
    "Accept-Language": (
        "A page is rendered for a stranger, who asks for no language, and everybody gets"
        " the page in the default one: give each language a URL of its own, such as"
        " /<language>/…, and let a view without @static_page redirect to it."
    ),
    "User-Agent": (
        "A page is rendered for a stranger, whose browser is unknown, and everybody gets"
        " that page: let CSS or a script adapt it to the browser, or take @static_page"
        " off the view."
    ),
    "HX-Request": _FRAGMENT,
    "X-Requested-With": _FRAGMENT,
}

_SKIP = (
    " If the page does not depend on it, do not read it where flask_isr.rendering() is"
    " true."
)

_RUN_THE_HOOK = (
    "The hook does not run for visitors who get the page from the store:"
    ' @static_page(serve="view") has it run for each of them.'
)


def warnings(
    reads: t.Iterable[Read], declared: t.Sequence[str], *, stored: bool
) -> list[str]:
    """Sentences that go on after the page's name.

    :param declared: names of the query parameters that the page declares.
    :param stored: whether the page is stored, without what it missed.
    """
    early = [read for read in reads if not read.late]
    parameters = [read for read in early if read.kind == "query"]
    texts = [_of_parameters(parameters, declared, stored)] if parameters else []
    texts += [_of_the_stranger(read) for read in early if read.kind != "query"]
    texts += [f"reads {_named(read)}. {_RUN_THE_HOOK}" for read in reads if read.late]
    return texts


def _of_parameters(reads: list[Read], declared: t.Sequence[str], stored: bool) -> str:
    named = [read for read in reads if read.name is not None]
    what = " and ".join(map(_named, named or reads))
    if not named:
        query = '["…"]'
        text = f"reads {what} and declares none, so its render gets none"
    else:
        names = [*declared, *(str(read.name) for read in named)]
        query = json.dumps(names, ensure_ascii=False)
        text = f"reads {what}, which it does not declare, so "
        text += _effect(many=len(named) > 1, stored=stored)
    return f"{text}: @static_page(query={query}).{_skip(reads)}"


def _effect(*, many: bool, stored: bool) -> str:
    if stored:
        return "all their values get one page" if many else "all values get one page"
    return f"its render does not get {'them' if many else 'it'}"


def _of_the_stranger(read: Read) -> str:
    key = read.name if read.kind == "header" else "cookie"
    advice = _STRANGER.get(str(key), _STRANGER["cookie"])
    return f"reads {_named(read)}. {advice}{_skip([read])}"


def _skip(reads: list[Read]) -> str:
    return "" if any(read.place.in_view for read in reads) else _SKIP


def _named(read: Read) -> str:
    what = {
        "query": f"the query parameter {read.name!r}",
        "cookie": f"the cookie {read.name!r}",
        "header": f"the header {read.name}",
    }[read.kind]
    if read.name is None:
        what = "all query parameters" if read.kind == "query" else "all cookies"
    return f"{what} ({read.place})"
