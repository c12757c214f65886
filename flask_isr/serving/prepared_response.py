"""An answer from the store that is ready to be sent."""

from __future__ import annotations

from ..core.decision import PageRequest
from ..core.decision import ServeEntry
from ..http import response
from ..http.headers import HeaderList
from .bypass import bypass_of


class PreparedResponse:
    """An answer that is ready to be sent.

    :ivar bypass: tells which requests the page is not for; ``None``: it is for all.
    :ivar codings: those that the page is stored in, best first.
    :ivar forms: coding to headers and body; ``None`` is the plain body.
    """

    __slots__ = (
        "anonymous",
        "bypass",
        "codings",
        "forms",
        "page_request",
        "serve",
        "status",
    )

    def __init__(
        self, serve: ServeEntry, age: float, page_request: PageRequest
    ) -> None:
        entry = serve.entry
        self.serve = serve
        self.page_request = page_request
        self.status = response.status_line(entry.status)
        self.anonymous = entry.anonymous
        self.bypass = bypass_of(entry.inputs)
        self.codings = tuple(form.coding for form in entry.coded)
        headers = response.page_headers(serve, age)
        self.forms: dict[str | None, tuple[HeaderList, bytes]] = {
            None: ([*headers, ("Content-Length", str(len(entry.body)))], entry.body)
        }
        for form in entry.coded:
            coded = response.coded_headers(headers, form)
            coded.append(("Content-Length", str(len(form.body))))
            self.forms[form.coding] = coded, form.body
