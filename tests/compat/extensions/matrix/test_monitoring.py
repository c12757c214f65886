"""What watches over a site by hooks sees the hits that are served inside of Flask."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics

from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import cache_state

#: Initialises an extension, and gives how many requests it counted.
Count: t.TypeAlias = t.Callable[[], float]


def _prometheus(app: Flask) -> Count:
    registry = CollectorRegistry()
    PrometheusMetrics(app, registry=registry)
    labels = {"method": "GET", "status": "200"}
    name = "flask_http_request_total"
    return lambda: registry.get_sample_value(name, labels) or 0


def _opentelemetry(app: Flask) -> Count:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor: t.Any = FlaskInstrumentor()
    instrumentor.instrument_app(app, tracer_provider=provider)
    return lambda: len(exporter.get_finished_spans())


@pytest.mark.parametrize("set_up", [_prometheus, _opentelemetry])
@pytest.mark.parametrize(
    ("serve", "hits"),
    [("auto", 3), ("wsgi", 0)],
    ids=["auto", "wsgi"],
)
def test_hits_are_counted_inside(
    make_site: MakeSite, set_up: t.Callable[[Flask], Count], serve: str, hits: int
) -> None:
    """Their hooks have pages served there, unless the site says otherwise."""
    site = make_site(ISR_SERVE=serve)
    count = set_up(site.app)

    @site.app.get("/page")
    @static_page()
    def page() -> str:
        return "a page"

    site.get("/page")
    before = count()
    answers = [site.get("/page") for _ in range(3)]
    assert [cache_state(answer) for answer in answers] == ["HIT"] * 3
    assert count() - before == hits


def test_sentry_does_not_know_which_page_is_hit(tmp_path: Path) -> None:
    """It is around the application, so that it sees hits, and names them by hooks."""
    command = [sys.executable, "-m", f"{__package__}.sentry", str(tmp_path)]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    generic = "generic WSGI request"
    assert json.loads(result.stdout) == ["page", generic, generic]
