"""Two questions for one closed list at a time."""

from __future__ import annotations

import typing as t

from flask_isr import revalidate_path
from tests.conftest import MakeSite
from tests.support import Gate
from tests.support import InThread
from tests.support.catalogue import A_MINUTE
from tests.support.catalogue import Catalogue


class TestTwoQuestions:
    """An answer of an older question never replaces that of a newer one."""

    def older_and_newer(
        self, catalogue: Catalogue, newer: t.Callable[[], None]
    ) -> None:
        """A question hangs with the answer that it has; *newer* asks another meanwhile,
        which knows of product 3."""
        gate = Gate()
        catalogue.questions.append(gate)
        catalogue.site.clock.advance(A_MINUTE)
        assert catalogue.status(3) == 404
        gate.wait()
        catalogue.products = [1, 2, 3]
        newer()
        assert catalogue.status(3) == 200
        gate.open()
        catalogue.site.settle()
        assert catalogue.status(3) == 200

    def test_the_newer_is_that_of_a_revalidation(self, catalogue: Catalogue) -> None:
        """While the Runner asks behind a visitor, the webhook arrives."""
        self.older_and_newer(
            catalogue, lambda: catalogue.call(revalidate_path, "/products/3")
        )

    def test_the_newer_is_that_of_a_build(self, catalogue: Catalogue) -> None:
        """While the Runner asks behind a visitor, somebody builds."""

        def build() -> None:
            runner = catalogue.site.app.test_cli_runner()
            result = InThread(lambda: runner.invoke(args=["isr", "build"])).result()
            assert result.exit_code == 0

        self.older_and_newer(catalogue, build)

    def test_the_newer_is_that_of_another_process(
        self, catalogue: Catalogue, make_site: MakeSite
    ) -> None:
        """Two processes have an old list asked, and the slower one knows less."""
        second = Catalogue(make_site())
        second.products = [1, 2, 3]

        def ask() -> None:
            assert second.status(3) == 404
            second.site.settle()
            assert second.asked == 1

        self.older_and_newer(catalogue, ask)
