"""The page "What to expect": its numbers are those of the code."""

from __future__ import annotations

import inspect
import typing as t
from pathlib import Path

import pytest

from flask_isr import client
from flask_isr.background import retries
from flask_isr.background.pool import ThreadRunner
from flask_isr.config import DEFAULTS
from flask_isr.core import blocking_renders
from flask_isr.core import coordinator
from flask_isr.core import inputs
from flask_isr.core import leased_render
from flask_isr.core import maintenance
from flask_isr.core import outcome
from flask_isr.core import singleflight
from flask_isr.core import store
from flask_isr.http import encodings
from flask_isr.http import groups
from flask_isr.http import query
from flask_isr.observe import reporter
from flask_isr.pages import decorator
from flask_isr.pages import fingerprint
from flask_isr.pages import hosts
from flask_isr.pages import routes
from flask_isr.pages import twins
from flask_isr.render import classify
from flask_isr.revalidation import service
from flask_isr.serving import bypass
from flask_isr.serving import draft
from flask_isr.stores.caching import codec
from flask_isr.stores.sqlite import access
from flask_isr.stores.sqlite import database
from flask_isr.stores.sqlite import encounters
from flask_isr.stores.sqlite import eviction
from flask_isr.stores.sqlite import folder
from flask_isr.stores.sqlite import leases
from flask_isr.stores.sqlite import order
from flask_isr.webhooks import inputs as webhook_inputs
from flask_isr.webhooks import tokens

DOCS = Path(__file__).parents[2] / "docs"
TEXT = " ".join((DOCS / "what-to-expect.rst").read_text("utf-8").split())

MIB = 1024 * 1024


def runner(name: str) -> t.Any:
    """A limit of the threads."""
    return inspect.signature(ThreadRunner).parameters[name].default


@pytest.mark.parametrize(
    "said",
    [
        f"{singleflight._WAITING} wait for it in this process",
        f"{singleflight._WAITING} in each process",
        f"``ISR_WAIT_TIMEOUT`` ({DEFAULTS['ISR_WAIT_TIMEOUT']} s)",
        f"``ISR_RENDER_TIMEOUT`` ({DEFAULTS['ISR_RENDER_TIMEOUT']} s)",
        f"``ISR_MEMORY_BYTES``, {DEFAULTS['ISR_MEMORY_BYTES'] // MIB} MiB",
        f"``ISR_STORE_BYTES``, {DEFAULTS['ISR_STORE_BYTES'] // MIB // 1024} GiB",
        f"``ISR_PAGE_BYTES``, {DEFAULTS['ISR_PAGE_BYTES'] // MIB} MiB",
        f"When {runner('workers')} refreshes run in a process and {runner('queue')} are",
        f"{runner('workers')} at a time and {runner('queue')} queued",
        f"beside them {runner('hanging')} that hang",
        f"{runner('foreground')} on threads of their own",
        f"{coordinator._LONGEST_POLL * 1000:.0f} ms for those who wait",
        f"after {leased_render._RETRY[0]:.0f} s, then 2, 4, and so on to",
        f"and so on to {leased_render._RETRY[1]:.0f} s, less up to a fifth",
        f"one in {leased_render._RETRY[0]:.0f} s to {leased_render._RETRY[1]:.0f} s",
        f"not the same for everybody, in {leased_render._PROBE[0]:.0f} s to an hour",
        f"stored for {classify._GONE_LIFETIME:.0f} s at most",
        f"each second for {retries._PATIENCE / 60:.0f} minutes",
        f"in more than {access._SLOW} s",
        f"for up to {folder._DURABLE_PATIENCE:.0f} s",
        f"every {maintenance._MAINTAIN_EVERY} renders of a process",
        f"renders of a process, or {maintenance._MAINTAIN_BYTES // MIB} MiB",
        f"{routes.PATH_LENGTH:,} characters; {query._PARAMETERS} values",
        f"{decorator._TAG_LENGTH} characters; {decorator.TAGS_ON_A_PAGE} on a page",
        f"{eviction._TAGS:,} remembered",
        f"{eviction._GONE:,} in the embedded store",
        f"{eviction._FAILURES:,} in the embedded store, {eviction._ERRORS} of them with",
        f"of at most {leases._ERROR_BYTES // 1024} KiB; for an hour",
        f"{retries._KEPT:,} invalidations, {leased_render._KEPT:,} leases to give back",
        f"exception {outcome._CAUSE_LENGTH} characters",
        f"{coordinator._RESTING:,} pages that failed a moment ago",
        f"{coordinator._REFRESHES:,} refreshes that are queued",
        f"{reporter._REMEMBERED:,} warnings",
        f"{encodings._REMEMBERED} values of ``Accept-Encoding``",
        f"{bypass._prefers.cache_parameters()['maxsize']:,} of ``Accept``",
        f"{hosts._ROUTERS} hosts",
        f"{inputs.MOST} headers, cookies and parameters",
        f"{order._MANY_CHANGES:,} changes since its last look",
        f"{database._IDLE} that nobody uses",
        f"{client._ANSWER // MIB} MiB; of a message {client._MESSAGE} characters",
        f"{fingerprint._FILES:,} of code and templates, {fingerprint._FILES:,} of content",
        f"among {fingerprint._ENTRIES:,} of each folder",
        f"the last {store.MET} of a build, with {twins._NAMES:,} names each",
        f"{encounters._ROWS:,} in the embedded store",
        f"{tokens.TARGETS}; of the paths {blocking_renders._TOGETHER} are rendered at",
        f"{draft._TRIED} are looked at",
        f"{encodings._FIELD_LENGTH} characters; beyond, the plain page",
        f"{groups._GROUPS}; beyond, none",
        f"at most {service._VARIANTS} are rendered, the others when",
        f"Its headers {classify._HEADERS // 1024} KiB",
        f"{webhook_inputs._BODY // 1024} KiB",
    ],
)
def test_its_numbers_are_those_of_the_code(said: str) -> None:
    """A limit that is changed is changed there too."""
    assert said in TEXT


def test_the_rest_of_its_numbers_are_as_it_says() -> None:
    """Those that it gives in words."""
    assert leased_render._PROBE[1] == 3600
    assert eviction._PROBATION == 0.1
    assert eviction._OLD_FAILURE == 3600
    assert codec._ERROR_BYTES == leases._ERROR_BYTES
    assert (retries._PAUSE, access._BREAK) == (1, 1)
