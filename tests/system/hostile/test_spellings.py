"""Which spellings are one page: the table of ``docs/http.rst``, equal on all servers."""

from __future__ import annotations

import typing as t

import pytest

from .conftest import Target

#: Name and arguments that a view sees.
Seen: t.TypeAlias = tuple[str, tuple[tuple[str, str], ...]]

# Each is one page: what its view sees, and how one may ask for it. All of them are below
# `/files/<name of the test>/`, a rule that takes any path.
PAGES: t.Final[t.Sequence[tuple[Seen, t.Sequence[str]]]] = [
    (
        ("a", ()),
        [
            *("a", "%61", "a?utm_source=x", "a?junk", "a?", "a?a", "a?Q=1", "a?q[]=1"),
            *("a??q=1", "a#b", "a#?q=1", "a?;q=1", "a?&&&"),
        ],
    ),
    (("A", ()), ["A", "%41"]),
    (("é", ()), ["%C3%A9", "%c3%a9"]),
    (("e\u0301", ()), ["e%CC%81", "e%cc%81"]),
    (("a;b", ()), ["a;b", "a%3Bb", "a%3bb"]),
    (("a&b", ()), ["a&b", "a%26b"]),
    (("a=b", ()), ["a=b", "a%3Db"]),
    (("a?q=1", ()), ["a%3Fq=1", "a%3fq=1", "a%3Fq%3D1"]),
    (("a#b", ()), ["a%23b"]),
    (("a/b", ()), ["a/b", "a%2Fb", "a%2fb"]),
    (("a//b", ()), ["a//b", "a%2F%2Fb", "a/%2Fb"]),
    (("a%2Fb", ()), ["a%252Fb"]),
    (("a\\b", ()), ["a\\b", "a%5Cb"]),
    (("a b", ()), ["a%20b"]),
    (("a+b", ()), ["a+b", "a%2Bb"]),
    (("a%", ()), ["a%", "a%25"]),
    (("a%zz", ()), ["a%zz", "a%25zz"]),
    (("../x", ()), ["../x", "%2e%2e/x", "..%2Fx", "%2E./x"]),
    (("./x", ()), ["./x", "%2e/x"]),
    (("b/../x", ()), ["b/../x", "b/%2e%2e/x"]),
    (("a/x.css", ()), ["a/x.css", "a%2Fx.css"]),
    (("a;x.css", ()), ["a;x.css"]),
    (("a", (("q", ""),)), ["a?q=", "a?q", "a?q=&utm=1"]),
    (("a", (("q", "1"),)), ["a?q=1", "a?%71=1", "a?q=%31", "a?&&q=1&", "a?q=1#x"]),
    (("a", (("q", "1"), ("r", "2"))), ["a?q=1&r=2", "a?r=2&q=1", "a?x=3&r=2&y&q=1"]),
    (("a", (("q", "1"), ("q", "2"))), ["a?q=1&q=2"]),
    (("a", (("q", "2"), ("q", "1"))), ["a?q=2&q=1"]),
    (("a", (("q", "1;r=2"),)), ["a?q=1;r=2", "a?q=1%3Br%3D2"]),
    (("a", (("q", "1&r=2"),)), ["a?q=1%26r=2"]),
    (("a", (("q", "a b"),)), ["a?q=a+b", "a?q=a%20b"]),
    (("a", (("q", "\0"),)), ["a?q=%00"]),
    (("a", (("q", "\r\nX: y"),)), ["a?q=%0d%0aX:%20y"]),
    (("a", (("q", "é"),)), ["a?q=%C3%A9", "a?q=%c3%a9"]),
    # Werkzeug shows bytes that are not UTF-8 so.
    (("a", (("q", "%FF"),)), ["a?q=%ff", "a?q=%25FF"]),
]

# Answered by the view each time: what it sees.
NOT_STORED: t.Final[t.Sequence[tuple[str, str]]] = [
    ("a%00", "a\0"),
    ("a%07b", "a\x07b"),
    ("a%7Fb", "a\x7fb"),
    ("a%C2%85b", "a\x85b"),
    ("a%E2%80%AEb", "a\u202eb"),
    ("a%ff", "a\ufffd"),
    ("a%fe", "a\ufffd"),
    ("a%C3", "a\ufffd"),
    ("a%EF%BF%BD", "a\ufffd"),
    ("a" * 1100, "a" * 1100),
    ("a?" + "&".join(["q=1"] * 51), "a"),
    ("a?q=" + "1" * 1100, "a"),
]

#: What servers answer to what is no URI.
REFUSED = (0, 400)


def seen(reply: t.Any, name: str) -> Seen:
    """What the view saw, below the folder of the test."""
    shown = reply.json
    assert shown["name"].startswith(f"{name}/")
    args = tuple((key, value) for key, value in shown["args"])
    return shown["name"].removeprefix(f"{name}/"), args


def test_each_spelling_gets_its_page(target: Target, name: str) -> None:
    """As many renders as there are pages, whichever spelling comes first; and what each
    spelling gets is what the view makes of it."""
    folder = f"/alone/files/{name}"
    for number, (what, spellings) in enumerate(PAGES):
        runs: set[int] = set()
        for spelling in spellings:
            reply = target.ask(f"{folder}/{spelling}")
            assert seen(reply, name) == what, spelling
            assert reply.state == ("HIT" if runs else "MISS"), spelling
            runs.add(reply.json["run"])
        assert len(runs) == 1, spellings
        assert target.journal.renders(name) == number + 1

    for what, spellings in PAGES:
        for spelling in spellings:
            assert seen(target.ask(f"{folder}/{spelling}"), name) == what
    assert target.journal.renders(name) == len(PAGES)
    assert target.journal.visits(name) == 0


def test_what_cannot_be_told_apart_is_answered_by_the_view(
    target: Target, name: str
) -> None:
    """Each time, and nothing of it is stored for another spelling."""
    folder = f"/alone/files/{name}"
    for number, (spelling, what) in enumerate(NOT_STORED):
        for _ in range(2):
            reply = target.ask(f"{folder}/{spelling}")
            assert reply.state == "BYPASS", spelling
            assert seen(reply, name)[0] == what, spelling
        assert target.journal.visits(name) == 2 * number + 2
    assert target.journal.renders(name) == 0


def test_numbers_are_compared_as_numbers(target: Target, name: str) -> None:
    """Leading zeros, and digits of another script, make no other page."""
    number = str(int(name[1:], 16))
    arabic = "".join(f"%D9%{0xA0 + int(digit):X}" for digit in number)
    pages = {
        target.ask(f"/alone/numbers/{spelling}").body
        for spelling in (number, f"000{number}", f"{number}?q=1", arabic)
    }
    assert len(pages) == 1
    assert target.journal.renders(number) == 1


def test_what_the_router_redirects_is_redirected_and_not_stored(
    target: Target, name: str
) -> None:
    """To the host that was asked, so that the next visitor must not get it."""
    for path in ("folder/{}", "folder//{}/", "/folder/{}"):
        for host in ("evil.test", "site.test"):
            reply = target.ask(f"/alone/{path.format(name)}", host=host)
            assert reply.status == 308, path
            assert reply.get("Location") == f"http://{host}/alone/folder/{name}/"
            assert reply.state == ""
    assert target.journal.renders(name) == 0


@pytest.mark.parametrize("slashes", ["//", "///"])
def test_slashes_in_front_do_not_count(target: Target, name: str, slashes: str) -> None:
    """Some servers join them, and Flask takes them all for one."""
    one = target.ask(f"{slashes}alone/files/{name}")
    other = target.ask(f"/alone/files/{name}")
    assert one.body == other.body
    assert target.journal.renders(name) == 1


def test_other_letters_are_another_path(target: Target, name: str) -> None:
    """There is no page there."""
    assert target.ask(f"/alone/FILES/{name}").status == 404
    assert target.journal.renders(name) == 0


def test_line_breaks_are_no_part_of_a_path_rule(target: Target, name: str) -> None:
    """The router of Flask alone does not match them either."""
    for path in (f"{name}%0Ab", f"{name}%0d%0aX-Evil:y"):
        reply = target.ask(f"/alone/files/{path}")
        assert (reply.status, reply.get("X-Evil")) == (404, "")
    assert target.journal.renders(name) == 0


def test_an_absolute_target_is_its_path(target: Target, name: str) -> None:
    """Whatever host it names."""
    path = f"/alone/files/{name}"
    first = target.ask(path)
    for host in ("site.test", "evil.test:99"):
        assert target.ask(f"http://{host}{path}").body == first.body
    assert target.journal.renders(name) == 1


# What is no URI: which servers let it through all the same, and what it is then.
ODD: t.Final[t.Sequence[tuple[bytes, t.Mapping[str, str]]]] = [
    (b"/alone/files/%s/\xc3\xa9", {"granian": "é"}),
    (b"/alone/files/%s/\xff", {}),
    (b"/alone/files/%s/a?q=\xff", {}),
    (b"/alone/files/%s/a\x7fb", {"waitress": "a\x7fb"}),
    (b"alone/files/%s/a", {"waitress": "a"}),
]


@pytest.mark.parametrize(("odd", "through"), ODD)
def test_what_is_no_uri_is_refused_or_read_as_flask_alone_would(
    target: Target, name: str, odd: bytes, through: t.Mapping[str, str]
) -> None:
    """Servers differ here, and only here."""
    for _ in range(2):
        reply = target.ask(odd % name.encode())
        if target.kind not in through:
            assert reply.status in REFUSED
        else:
            assert seen(reply, name)[0] == through[target.kind]


@pytest.mark.parametrize(
    "path", ["/x.css", "%2Fx.css", "/..%2Ffiles/x.css", "/x.css?q"]
)
def test_a_personal_page_is_none_under_any_name(
    target: Target, name: str, path: str
) -> None:
    """Cache deception: a path that looks like a file is what the router makes of it."""
    before = target.journal.visits("/account")
    cookie = target.ask(f"/alone/login/{name}").get("Set-Cookie").partition(";")[0]
    victim = target.ask(f"/alone/account{path}", f"Cookie: {cookie}")
    assert victim.json["user"] == name
    assert (victim.state, victim.get("Cache-Control")) == ("", "private")

    replies = target.innocent(f"/alone/account{path}")
    assert {reply.json["user"] for reply in replies} == {None}
    # Each was answered by the view, and nothing was rendered for others.
    assert target.journal.visits("/account") == before + 1 + len(replies)
    assert target.journal.renders("/account") == 0


@pytest.mark.parametrize("path", ["{}", "{}/x.css", "{};x.css", "{}%2Fx.css"])
def test_a_session_shows_in_no_stored_page(
    target: Target, name: str, path: str
) -> None:
    """Neither where somebody known comes first, nor where he comes with a forged or
    second cookie."""
    cookie = target.ask("/alone/login/victim").get("Set-Cookie").partition(";")[0]
    url = f"/alone/anonymous/{path.format(name)}"
    known = [
        f"Cookie: {cookie}",
        f"Cookie: theme=x;{cookie}",
        f"Cookie: {cookie.replace('=', ' = ', 1)}",
        f"Cookie: session=forged; {cookie}",
    ]
    for header in known * 2:
        reply = target.ask(url, header)
        assert (b"victim" in reply.body) == (reply.state == "BYPASS"), header
        strangers = target.innocent(url)
        assert all(b" None " in stranger.body for stranger in strangers)
        assert len({stranger.body for stranger in strangers}) == 1
    for _ in range(5):
        forged = target.ask(url, "Cookie: session=forged; remember_token=forged")
        assert b" None " in forged.body
    assert target.journal.renders(name) == 1
