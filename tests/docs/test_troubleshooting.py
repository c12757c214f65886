"""The page "Troubleshooting": it has each reason that the package gives, and no others."""

from __future__ import annotations

import ast
import inspect
import re
import typing as t
from pathlib import Path

import pytest
from flask import Response

import flask_isr
from flask_isr import errors
from flask_isr import signals
from flask_isr import static_page
from flask_isr.client import RemoteError
from flask_isr.client import RemoteUnavailable
from flask_isr.core.outcome import NotStorable
from flask_isr.core.outcome import PerVisitor
from flask_isr.observe.cures import CURES
from flask_isr.observe.cures import cure_of
from flask_isr.pages import fingerprint
from flask_isr.pages import paths
from tests.unit.http.test_cache_status import CASES
from tests.unit.http.test_cache_status import OF_THE_ENGINE

from ..support import Site

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIEnvironment

PACKAGE = Path(flask_isr.__file__).parent
DOCUMENT = Path(__file__).parents[2] / "docs" / "troubleshooting.rst"
TEXT = DOCUMENT.read_text("utf-8")

#: How reasons begin that are sentences on a page.
_SENTENCE = re.compile(r"(?:it|its|a hook|Cache-Control:|Vary:) ")

#: Modules and folders that say such things of something else than a page.
_OTHERS = (
    "cli",
    "core/entry",
    "observe/cures",
    "pages/routes",
    "revalidation/service",
    "stores",
    "testing",
)


def _section(title: str) -> str:
    start = TEXT.index(f"\n{title}\n---")
    end = TEXT.find("\n\n\n", start + len(title))
    return TEXT[start:end]


def rows(title: str) -> list[list[str]]:
    """The cells of each row of the table below *title*, without its head."""
    table = re.split(r"^   \* - ", _section(title), flags=re.MULTILINE)[2:]
    return [
        [" ".join(cell.split()) for cell in re.split(r"\n     - ", row)]
        for row in table
    ]


def named(title: str) -> list[str]:
    """What the first cells of the table below *title* name."""
    return [name for row in rows(title) for name in re.findall("``(.+?)``", row[0])]


def _template(node: ast.expr) -> str | None:
    """A message as it stands in the code, with "…" for what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[sr]|%\.\df", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) or "…" for part in node.values)
    return None


def _start(text: str) -> str:
    return text.lstrip("…;:, ").rstrip("… ")


def calls(tree: ast.AST) -> t.Iterator[tuple[str, ast.Call]]:
    """The calls in *tree*, with what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


TREES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix(): ast.parse(path.read_text())
    for path in PACKAGE.rglob("*.py")
}


def logged() -> set[str]:
    """The messages of warnings and errors in the code."""
    found = {
        _template(call.args[0]) or ast.unparse(call.args[0])
        for tree in TREES.values()
        for name, call in calls(tree)
        if re.fullmatch(r"logger\.(warning|error|exception)|warnings\.warn", name)
    }
    # Those that are what an argument says.
    found.discard("…")
    for source in (fingerprint.faults, paths.PathError.__init__):
        tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(source)))
        found |= {
            text
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            and len(text := _template(node) or "") > 9
        }
    return found


def sentences() -> set[str]:
    """The reasons in the code that are sentences on a page."""
    return {
        text
        for name, tree in TREES.items()
        if not name.startswith(_OTHERS)
        for text in _texts(tree)
        if _SENTENCE.match(text)
    }


def _texts(tree: ast.AST) -> t.Iterator[str]:
    whole = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    parts = {
        part
        for node in whole
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in whole:
        text = None if node in parts else _template(node)
        if text is not None:
            yield text


WORDS = "The view answers, by a word in Cache-Status"
SENTENCES = "The view answers, by a sentence"
LOG = "What else the log says"
FAILS = "A render fails"
EXCEPTIONS = "Exceptions"


def test_each_word_of_cache_status_has_a_row() -> None:
    """Those that its own tests provoke."""
    assert set(named(WORDS)) == set(CASES) | OF_THE_ENGINE | {"off", "timeout"}


def test_each_sentence_has_a_row() -> None:
    """And each row is of a sentence."""
    found = sentences() | {"the application has no such static page any more"}
    listed = [_start(name) for name in named(SENTENCES)]
    for text in found:
        assert any(_start(text).startswith(name) for name in listed), text
    for name in listed:
        assert any(_start(text).startswith(name) for text in found), name


def test_reasons_are_words_or_sentences_on_a_page() -> None:
    """By which the other tests find them."""
    outcomes = {PerVisitor.__name__, NotStorable.__name__}
    found = [
        text
        for tree in TREES.values()
        for name, call in calls(tree)
        if name in outcomes and (text := _template(call.args[0])) is not None
    ]
    assert len(found) > 10
    for text in found:
        if text not in CASES and "no such static page" not in text:
            assert _SENTENCE.match(text), text


def test_each_sentence_comes_with_a_cure() -> None:
    """In itself, with a line of the code, or from the list."""
    for text in sentences():
        own = "set ISR_ORIGIN" in text or text.startswith("it reads ")
        assert own or cure_of(text), text


def test_each_cure_is_for_a_reason() -> None:
    """None is left of what the code does not say any more."""
    for start in CURES:
        assert any(text.startswith(start.rstrip()) for text in sentences()), start


def test_each_message_of_the_log_has_a_row() -> None:
    """And each row is of a message."""
    found = {_start(text) for text in logged()}
    listed = [_start(name) for name in named(LOG)]
    failed = "the render of … failed"
    assert any(text.startswith(failed) for text in found)
    for text in found:
        if not text.startswith(failed):
            assert any(text.startswith(name) for name in listed), text
    for name in listed:
        assert any(text.startswith(name) for text in found), name


def test_each_failure_of_a_render_has_a_row() -> None:
    """Those that the extension itself tells."""
    found = {
        text
        for name in ("render/classify", "core/leased_render")
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Assign | ast.Call)
        for part in ([node.value] if isinstance(node, ast.Assign) else node.args[:1])
        if (text := _template(part))
        and (_is_cause(node) or ast.unparse(getattr(node, "func", node)) == "_failed")
    }
    listed = [_start(name) for name in named(FAILS)]
    assert len(found) == 3
    for text in found:
        assert any(_start(text).startswith(name) for name in listed), text


def _is_cause(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "cause"


def test_each_exception_has_a_row() -> None:
    """But for their base."""
    public = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value)
        and issubclass(value, errors.ISRError)
        and value is not errors.ISRError
    }
    clients = {RemoteError.__name__, RemoteUnavailable.__name__}
    assert set(named(EXCEPTIONS)) == public | clients


@pytest.mark.parametrize("title", [WORDS, SENTENCES, LOG, FAILS, EXCEPTIONS])
def test_each_row_has_a_cause_and_a_cure(title: str) -> None:
    """A reason alone helps nobody."""
    found = rows(title)
    assert found
    for row in found:
        assert len(row) == 3, row
        assert all(row), row


class TestMonitoring:
    """What counts by hooks counts no hits; what it says to do instead does."""

    def test_hooks_do_not_count_hits(self, site: Site) -> None:
        """Middleware does, and sees what the answer was."""
        hooked: list[str] = []
        seen: list[str | None] = []

        @site.app.after_request
        def count(response: Response) -> Response:
            if not flask_isr.rendering():
                hooked.append("visit")
            return response

        @site.app.get("/")
        @static_page()
        def page() -> str:
            return "page"

        inner = site.app.wsgi_app

        def middleware(
            environ: WSGIEnvironment, start_response: StartResponse
        ) -> t.Iterable[bytes]:
            def start(status: str, headers: t.Any, *exc_info: t.Any) -> t.Any:
                seen.append(dict(headers).get("X-ISR-Cache"))
                return start_response(status, headers, *exc_info)

            return inner(environ, start)

        site.app.wsgi_app = middleware  # type: ignore[method-assign]
        for _ in range(3):
            site.get("/")
        assert hooked == ["visit"]
        assert seen == ["MISS", "HIT", "HIT"]

    def test_with_serve_they_do(self, site: Site) -> None:
        """Each visit runs the hooks."""
        hooked: list[str] = []

        @site.app.after_request
        def count(response: Response) -> Response:
            if not flask_isr.rendering():
                hooked.append("visit")
            return response

        @site.app.get("/")
        @static_page(serve="view")
        def page() -> str:
            return "page"

        for _ in range(3):
            site.get("/")
        assert len(hooked) == 3

    def test_the_signals_exist(self) -> None:
        """Under the names that it gives."""
        section = _section("Monitoring counts too few requests")
        start = section.index("by the signals")
        end = section.index("flask_isr.signals")
        mentioned = set(re.findall("``([a-z_]+)``", section[start:end]))
        assert mentioned == {
            name for name, value in vars(signals).items() if hasattr(value, "send")
        } - {"_signals"}
