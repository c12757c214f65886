"""A site with a closed list of products."""

from __future__ import annotations

import typing as t

from flask import abort

from flask_isr import static_page

from ..support import Gate
from ..support import Site
from .shop import Shop

#: Seconds after which an unlisted visit has the list asked again, and one more.
A_MINUTE = 61.0


class Catalogue(Shop):
    """Products by a closed list.

    :ivar products: the ids that exist.
    :ivar asked: how often the list was asked.
    :ivar questions: the next questions stop at these, each at one, with the answer that
        they have.
    :ivar list_error: questions raise it.
    """

    def __init__(self, site: Site) -> None:
        self.products: t.Any = [1, 2]
        self.asked = 0
        self.questions: list[Gate] = []
        self.list_error: Exception | None = None
        super().__init__(site)

    def _add_pages(self) -> None:
        @self.site.app.get("/products/<int:product_id>")
        @static_page(paths=self.ask, fallback=False, tags=["products"])
        def product(product_id: int) -> str:
            if product_id not in self.products:
                abort(404)
            return self.show()

    def ask(self) -> t.Any:
        """What `paths` is."""
        self.asked += 1
        answer = self.products
        if isinstance(answer, list):
            answer = [{"product_id": number} for number in answer]
        if self.questions:
            self.questions.pop(0).pass_through()
        if self.list_error is not None:
            raise self.list_error
        return answer

    def status(self, number: int) -> int:
        """The status that a visitor of a product gets."""
        return self.site.get(f"/products/{number}").status_code
