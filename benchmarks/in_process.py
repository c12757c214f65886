"""How long the parts take inside one process: ``python -m benchmarks.in_process``.

All figures of one run are taken in turn, so that a machine whose speed drifts changes all
of them alike; the median is shown, and the ratio to a trivial Flask view of the same run.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from flask import Flask
from werkzeug.test import create_environ
from werkzeug.test import run_wsgi_app

from flask_isr import ISR
from flask_isr import static_page
from flask_isr.core.decision import PageRequest
from flask_isr.core.outcome import Rendered
from flask_isr.pages.routes import page_request_of
from flask_isr.render.renderer import Renderer
from flask_isr.runtime import Runtime

BODY = "x" * 20_000
ROUNDS = 41
GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}

Action: t.TypeAlias = t.Callable[[], object]


def make_app(folder: Path, **config: t.Any) -> Flask:
    """An application with a trivial dynamic view and a trivial static page."""
    app = Flask("benchmark", instance_path=str(folder))
    app.config.update(ISR_SECRET="0123456789abcdef", SECRET_KEY="benchmark", **config)
    ISR(app)

    @app.get("/dynamic")
    def dynamic() -> str:
        return BODY

    @app.get("/static-page")
    @static_page(revalidate=3600, tags=["a", "b"])
    def page() -> str:
        return BODY

    return app


def state_of(app: Flask) -> Runtime:
    """The extension's state of *app*."""
    state = app.extensions["isr"]
    assert isinstance(state, Runtime)
    return state


def target(state: Runtime) -> PageRequest:
    """The static page, as a visitor asks for it."""
    match = state.routes.match("/static-page")
    assert match is not None
    return page_request_of(match, match.key())


def call(application: t.Any, path: str, **headers: str) -> Action:
    """Send one GET to a WSGI application and read its body."""
    environ = create_environ(path, headers=headers)

    def start_response(*args: t.Any) -> t.Callable[[bytes], object]:
        return lambda data: None

    def action() -> None:
        body = application(environ, start_response)
        for _ in body:
            pass
        close = getattr(body, "close", None)
        if close is not None:
            close()

    return action


class Nothing(Flask):
    """An application that takes no time."""

    def wsgi_app(self, environ: t.Any, start_response: t.Any) -> t.Any:
        """Answer with a body that is no list, as Flask does."""
        start_response("200 OK", [])
        return iter((b"x",))


def pass_through(folder: Path) -> tuple[Action, Action]:
    """A request that is none of the extension's business, with it and without."""
    app = Nothing("nothing", instance_path=str(folder))
    without = app.wsgi_app
    ISR(app)
    return call(app.wsgi_app, "/dynamic"), call(without, "/dynamic")


def on_a_thread(state: Runtime, action: Action) -> Action:
    """*action* on a thread of the Runner, while the caller waits: as at the view level."""

    def spawned() -> None:
        done = threading.Event()

        def job() -> None:
            action()
            done.set()

        state.runner.spawn(job)
        done.wait()

    return spawned


def measure(actions: t.Mapping[str, tuple[int, Action]]) -> dict[str, float]:
    """Median microseconds of each action, taken in turn."""
    samples: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(ROUNDS):
        for name, (count, action) in actions.items():
            started = time.perf_counter()
            for _ in range(count):
                action()
            samples[name].append((time.perf_counter() - started) / count * 1e6)
    return {name: statistics.median(values) for name, values in samples.items()}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        app = make_app(Path(folder))
        state = state_of(app)
        stack.callback(state.store.close)
        plain = Flask("plain")
        plain.config["SECRET_KEY"] = "benchmark"
        plain.add_url_rule("/dynamic", view_func=lambda: BODY)
        for _ in range(2):
            run_wsgi_app(app.wsgi_app, create_environ("/static-page"), buffered=True)
        wanted = target(state)
        render = Renderer(state.application, state.reporter, time.time)
        assert isinstance(render(wanted.key), Rendered)
        through, bare = pass_through(Path(folder))

        def read() -> None:
            assert state.store.load(wanted.key) is not None

        def sealed() -> None:
            render(wanted.key)

        medians = measure(
            {
                "trivial Flask view": (200, call(plain.wsgi_app, "/dynamic")),
                "middleware: hit": (5000, call(app.wsgi_app, "/static-page")),
                "middleware: hit, compressed": (
                    5000,
                    call(app.wsgi_app, "/static-page", **GZIP),
                ),
                "middleware: pass-through": (5000, through),
                "  the same without it": (5000, bare),
                "page read from the store": (500, read),
                "sealed render": (100, sealed),
                "sealed render on a thread": (100, on_a_thread(state, sealed)),
            }
        )
    base = medians["trivial Flask view"]
    print(f"{'':32}{'median':>10}  {'of a Flask view':>16}")
    for name, value in medians.items():
        print(f"{name:32}{value:>7.2f} µs  {value / base:>16.3f}")


if __name__ == "__main__":
    main()
