"""The reference: it has each name that the package gives, and no others."""

from __future__ import annotations

import ast
import datetime
import inspect
import re
import typing as t
from pathlib import Path

import click
import pytest
from flask import Flask
from flask import Response
from flask import request

import flask_isr
from flask_isr import client
from flask_isr import errors
from flask_isr import signals
from flask_isr import testing
from flask_isr import typing as types
from flask_isr.cli import isr_commands
from flask_isr.config import DEFAULTS
from flask_isr.config import Settings
from flask_isr.testing import store_kit

from ..support import Site
from .test_troubleshooting import WORDS
from .test_troubleshooting import named

PACKAGE = Path(flask_isr.__file__).parent
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def page(name: str) -> str:
    """The source of one page."""
    return (REFERENCE / f"{name}.rst").read_text("utf-8")


def entries(text: str, directive: str) -> dict[str, str]:
    """What each ``.. directive:: name`` of *text* describes, to the text below it."""
    pattern = rf"^\.\. {directive}:: (\S.*)\n((?:\n|   .*\n)*)"
    return dict(re.findall(pattern, text, re.MULTILINE))


# -- settings -----------------------------------------------------------------------------

SETTINGS = entries(page("settings"), "data")

#: Values that the page calls accepted, by the kind of value that it names.
_KINDS: t.Final[t.Mapping[str, t.Sequence[t.Any]]] = {
    "``True``": [True],
    "``False``": [False],
    "``None``": [None],
    "a string that is not empty": ["a string of some length"],
    "list of such strings": [["a string of some length", "and another, longer one"]],
    "a list of names": [["one", "another"], ()],
    "a list of globs and folders": [["content/*.md", "../translations"]],
    "a path": ["folder", Path("folder")],
    "a whole number greater than 0": [1, 2**40],
    "a time greater than 0": [1, 0.5, datetime.timedelta(minutes=2)],
    "a time, 0 included": [0, 2, datetime.timedelta(days=1)],
}


def test_each_setting_is_described_and_no_other() -> None:
    """One that is added, renamed or removed is so there too."""
    assert set(SETTINGS) == set(DEFAULTS)


@pytest.mark.parametrize("key", DEFAULTS)
def test_its_default_is_that_of_the_code(key: str) -> None:
    """As it would be written in Python."""
    said = re.search(r"^   Default: ``(.+?)``", SETTINGS[key], re.MULTILINE)
    assert said is not None
    assert ast.literal_eval(said[1]) == DEFAULTS[key]


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_default_in_other_units_is_the_same(key: str) -> None:
    """What stands in MiB or GiB beside the number of bytes."""
    said = re.search(r"Default: ``(\d+)`` \((\d+) ([MG])iB\)", SETTINGS[key])
    assert key.endswith("_BYTES") == (said is not None)
    if said is not None:
        assert int(said[1]) == int(said[2]) * 1024 ** {"M": 2, "G": 3}[said[3]]


def _accepted(key: str) -> str:
    said = re.search(r"^   Accepted: ((?:.+\n)+)", SETTINGS[key], re.MULTILINE)
    assert said is not None
    return " ".join(said[1].split())


@pytest.mark.parametrize("key", DEFAULTS)
def test_what_it_calls_accepted_is_accepted(key: str) -> None:
    """Each kind of value that the page names, and each that it writes out."""
    said = _accepted(key)
    values = [value for kind, some in _KINDS.items() if kind in said for value in some]
    values += _written_out(key, said)
    assert values or key == "ISR_RUNNER"
    for value in values:
        app = Flask(__name__)
        app.config[key] = value
        Settings.from_app(app)


def _written_out(key: str, said: str) -> list[t.Any]:
    literals = re.findall(r"``([\[{\"'].+?[\]}\"'])``", said)
    values = [ast.literal_eval(text) for text in literals]
    if key in ("ISR_ENCODINGS", "ISR_IGNORE"):
        # Items of a list. What is not installed is left out.
        return [[value] for value in values if value not in ("br", "zstd")]
    return values


@pytest.mark.parametrize("key", DEFAULTS)
def test_it_says_when_to_change_it(key: str) -> None:
    """A setting that nobody needs is none."""
    assert re.search(r"^   (?:Set it|Raise it|Lower it) ", SETTINGS[key], re.MULTILINE)


@pytest.mark.parametrize("key", DEFAULTS)
def test_it_leaves_no_kind_of_value_out(key: str) -> None:
    """What no setting of this kind would take is refused: the page names all."""
    said = _accepted(key)
    for kind, value in (("``None``", None), ("``True``", True), ("a list", ["one"])):
        if kind in said or DEFAULTS[key] is value:
            continue
        app = Flask(__name__)
        app.config[key] = value
        with pytest.raises(errors.ConfigurationError):
            Settings.from_app(app)


# -- commands -----------------------------------------------------------------------------


def _sections() -> dict[str, str]:
    found = re.split(
        r"^\.\. program:: flask isr (\w+)\n", page("commands"), flags=re.MULTILINE
    )
    return dict(zip(found[1::2], found[2::2], strict=True))


COMMANDS = _sections()


def test_each_command_is_described_and_no_other() -> None:
    """In the order of the alphabet."""
    assert list(COMMANDS) == sorted(isr_commands.commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_described_and_no_other(name: str) -> None:
    """With the word that stands for its value, if it takes one."""
    options = []
    for parameter in isr_commands.commands[name].params:
        if isinstance(parameter, click.Argument):
            options.append("PATH")
        elif isinstance(parameter, click.Option):
            (flag,) = parameter.opts
            word = parameter.metavar or flag.removeprefix("--").upper()
            word = "N" if isinstance(parameter.type, click.IntRange) else word
            options.append(flag if parameter.is_flag else f"{flag} {word}")
    assert sorted(entries(COMMANDS[name], "option")) == sorted(options)
    (usage,) = re.findall(
        r"^    (flask isr (?:.|\n {5,})+)", COMMANDS[name], re.MULTILINE
    )
    for option in options:
        assert option in usage


@pytest.mark.parametrize("name", COMMANDS)
def test_each_choice_of_an_option_is_named(name: str) -> None:
    """And the default, if there is one to name."""
    described = entries(COMMANDS[name], "option")
    for option in isr_commands.commands[name].params:
        if isinstance(option.type, click.Choice):
            (text,) = (
                " ".join(text.split())
                for flag, text in described.items()
                if flag.startswith(option.opts[0])
            )
            said = set(re.findall(r"``([\w-]+)``", text))
            assert said == set(option.type.choices)
            if isinstance(option.default, str):
                assert f"Default: ``{option.default}``" in text


# -- names --------------------------------------------------------------------------------

_AUTODOC = re.compile(
    r"^\.\. (?:auto\w+|(?:py:)?(?:class|function|data)):: ([\w.]+)", re.MULTILINE
)


def _described(*pages: str) -> set[str]:
    return {
        name.rpartition(".")[2] for one in pages for name in _AUTODOC.findall(page(one))
    }


def test_each_public_name_is_described() -> None:
    """Those of the package and its public modules, and nothing else."""
    public = {*flask_isr.__all__, *testing.__all__, *types.__all__, *store_kit.__all__}
    public |= {"RevalidateClient", "Revalidated", "RemoteError", "RemoteUnavailable"}
    assert _described("api", "errors") == public | {"Draft", "isr"}


@pytest.mark.parametrize("name", ["MatchKind", "Mode"])
def test_each_value_of_a_choice_is_named(name: str) -> None:
    """All that the type allows, and nothing else."""
    text = entries(page("api"), "py:data")[name]
    values = t.get_args(getattr(types, name))
    assert tuple(re.findall(r'``"(\w+)"``', text)) == values


def test_each_exception_is_described() -> None:
    """The client's among them."""
    exceptions = {
        name
        for module in (errors, client)
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, errors.ISRError)
    }
    assert _described("errors") == exceptions


@pytest.mark.parametrize("name", sorted(_described("errors")))
def test_the_tree_of_exceptions_is_that_of_the_code(name: str) -> None:
    """Who is whose child, and what else each is."""
    (line,) = re.findall(rf"^    .*\b{name}(?: .*)?$", page("errors"), re.MULTILINE)[:1]
    error = getattr(client, name, None) or getattr(errors, name)
    parents = {parent.__name__ for parent in error.__bases__}
    assert set(re.findall(r"also (\w+)", line)) == parents - {
        "Exception",
        "ISRError",
        "RemoteError",
    }


# -- signals ------------------------------------------------------------------------------

SIGNALS = entries(page("signals"), "data")


def test_each_signal_is_described_and_no_other() -> None:
    """Those that the module has."""
    public = {name for name, value in vars(signals).items() if hasattr(value, "send")}
    assert set(SIGNALS) == public - {"_signals"}


@pytest.mark.parametrize("name", SIGNALS)
def test_it_is_sent_with_what_is_described(site: Site, name: str) -> None:
    """All of it, and nothing else."""
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    fails = False

    @site.app.get("/")
    @flask_isr.static_page(revalidate=1)
    def home() -> str:
        if fails:
            raise RuntimeError("the database is gone")
        return "home"

    sent: list[set[str]] = []

    def receive(sender: t.Any, **values: t.Any) -> None:
        sent.append(set(values) - {"_async_wrapper"})

    with (
        getattr(signals, name).connected_to(receive, site.app),
        testing.ISRTester(site.app) as tester,
        site.app.app_context(),
    ):
        site.get("/")
        fails = True
        tester.clock.advance(2)
        site.get("/")
        flask_isr.revalidate_path("/")
    described = set(re.findall(r":param (?:\S+ )?(\w+):", SIGNALS[name]))
    assert sent
    assert all(values == described for values in sent)


# -- headers, loggers, keys ---------------------------------------------------------------


def test_each_word_of_detail_is_named() -> None:
    """The same as on the page that has the cures."""
    text = page("headers")
    table = text[text.index("Words of ``detail``") : text.index("\nIn requests\n")]
    rows = re.findall(r"^   \* - (``.*)", table, re.MULTILINE)
    assert {word for row in rows for word in re.findall("``(.+?)``", row)} == set(
        named(WORDS)
    )


def test_each_logger_is_named() -> None:
    """All that the package has, and no others."""
    used = {
        name
        for path in PACKAGE.rglob("*.py")
        for name in re.findall(r'getLogger\("([\w.]+)"\)', path.read_text("utf-8"))
    }
    listed = re.findall(
        r"^   \* - ``(flask_isr[\w.]*)``", page("logging"), re.MULTILINE
    )
    assert listed == sorted(used)


def test_each_key_of_the_environ_is_named() -> None:
    """What a view finds in the environ of its request, in a visit and in a render."""
    listed = set(re.findall(r'``environ\["([\w.]+)"\]``', page("environ")))
    app = Flask(__name__)
    app.secret_key = "a key"
    isr = flask_isr.ISR(app)
    seen: set[str] = set()

    @app.get("/")
    @flask_isr.static_page()
    def home() -> str:
        seen.update(key for key in request.environ if key.startswith("flask_isr"))
        return "home"

    @app.get("/drafts")
    def drafts() -> Response:
        answer = Response("drafts")
        isr.draft.enable(answer)
        return answer

    with testing.ISRTester(app):
        browser = app.test_client()
        browser.get("/")
        browser.get("/drafts")
        browser.get("/")
    assert seen == listed


# -- arguments and answers ----------------------------------------------------------------


def _callables() -> dict[str, t.Any]:
    """Each public name that is called, and the methods of those that are classes."""
    found: dict[str, t.Any] = {}
    for name in _described("api", "errors"):
        for module in (flask_isr, client, testing):
            value = getattr(module, name, None)
            if inspect.isfunction(value):
                found[name] = value
            elif inspect.isclass(value) and value is not testing.MemoryStore:
                # An exception without one of its own takes what its base takes.
                if "__init__" in vars(value):
                    found[name] = value
                found |= {
                    f"{name}.{method}": function
                    for method, function in vars(value).items()
                    if inspect.isfunction(function)
                    and not method.startswith(("_", "assert_"))
                }
    return found


#: What a name or a sentence says well enough.
_PLAIN: t.Final = {
    "AtOnce.spawn": {"job"},
    "AtOnce.submit": {"job"},
    "Clock.advance": {"time"},
    "ISR.init_app": {"app"},
    "ISR.require_secret": {"view"},
    "ISR.skip_on_hit": {"hook"},
    "NotAStaticPage": {"reason"},
    "StoreUnavailable": {"cause"},
}


@pytest.mark.parametrize(("name", "called"), sorted(_callables().items()))
def test_each_argument_is_described(name: str, called: t.Any) -> None:
    """In the docstring that the page shows; and no other is."""
    said = set(re.findall(r":param (\w+):", inspect.getdoc(called) or ""))
    taken = set(inspect.signature(called).parameters) - {"self"}
    assert said == taken - _PLAIN.get(name, set())


def test_each_answer_of_the_route_is_described() -> None:
    """The same that are described for programs."""
    described = (REFERENCE.parent / "openapi.yaml").read_text("utf-8")
    statuses = re.findall(r'^        "(\d{3})":', described, re.MULTILINE)
    listed = re.findall(r"^   \* - (\d{3})$", page("route"), re.MULTILINE)
    assert listed == sorted(set(statuses))


def test_each_argument_of_the_decorator_is_described() -> None:
    """In its docstring, which is its entry in the reference: all, and no others."""
    described = re.findall(
        r":param (\w+):", inspect.getdoc(flask_isr.static_page) or ""
    )
    assert described != []
    assert set(described) == {*inspect.signature(flask_isr.static_page).parameters}
