"""The visitor's own transaction, with SQLAlchemy as in Flask's documentation."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import Session
from sqlalchemy.orm import mapped_column
from sqlalchemy.orm import scoped_session
from sqlalchemy.orm import sessionmaker

from flask_isr import revalidate_path
from flask_isr import revalidate_tag
from flask_isr import static_page
from tests.support import InThread
from tests.support import Site
from tests.support import cache_state

pytestmark = pytest.mark.promise(4, 8)

PAGE = "/products/1"


class Base(DeclarativeBase):
    """The tables."""


class Product(Base):
    """A row that a page shows."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Catalogue:
    """A page and an edit view over one scoped session, which a teardown removes."""

    def __init__(self, site: Site, database: Path) -> None:
        self.site = site
        self.engine = create_engine(f"sqlite:///{database}")
        self.db_session = scoped_session(sessionmaker(self.engine))
        self.renders: list[str] = []
        self.before_commit: t.Callable[[], None] = lambda: None
        self.committed: list[str] = []
        Base.metadata.create_all(self.engine)
        self.db_session.add(Product(id=1, name="old"))
        self.db_session.commit()
        self.db_session.remove()
        self._add_views()

    def _add_views(self) -> None:
        app, db_session = self.site.app, self.db_session

        @app.teardown_appcontext
        def shutdown_session(exception: BaseException | None = None) -> None:
            db_session.remove()

        @app.get("/products/<int:product_id>")
        @static_page(tags=["product:{product_id}"])
        def product(product_id: int) -> str:
            name = db_session.get_one(Product, product_id).name
            self.renders.append(name)
            return name

        @app.post("/edit")
        def edit() -> str:
            product = db_session.get_one(Product, 1)
            product.name = "new"
            db_session.flush()
            self.before_commit()
            # Still in the same transaction, with the same uncommitted edit.
            assert product in db_session
            self.committed.append(product.name)
            db_session.commit()
            return "saved"

    def see(self) -> tuple[str, str | None]:
        """What a visitor of the page sees, and how it came."""
        response = self.site.get(PAGE)
        return response.text, cache_state(response)

    def edit(self) -> None:
        """Change the name, as an editor does."""
        assert self.site.app.test_client().post("/edit").text == "saved"
        assert self.committed == ["new"]


@pytest.fixture(params=["wsgi", "view"])
def catalogue(
    request: pytest.FixtureRequest, site: Site, tmp_path: Path
) -> t.Iterator[Catalogue]:
    """The catalogue, at both serving levels."""
    catalogue = Catalogue(site, tmp_path / "catalogue.sqlite")
    if request.param == "view":

        @site.app.before_request
        def count() -> None:
            """A hook that pages at the WSGI level would not run."""

    site.get(PAGE)
    assert catalogue.see() == ("old", "HIT")
    catalogue.renders.clear()
    yield catalogue
    catalogue.engine.dispose()


@pytest.mark.parametrize("mode", ["refresh", "expire"])
def test_a_render_neither_sees_nor_rolls_back_the_uncommitted_edit(
    catalogue: Catalogue, mode: t.Literal["refresh", "expire"]
) -> None:
    """The render in the middle of the transaction reads what is committed; the edit is
    saved, and the next visitor sees it."""

    def call() -> None:
        revalidate_path(PAGE, mode=mode)
        assert catalogue.renders == (["old"] if mode == "refresh" else [])

    catalogue.before_commit = call
    catalogue.edit()
    assert catalogue.see()[0] == "new"
    catalogue.site.settle()
    assert catalogue.see() == ("new", "HIT")


def test_a_visit_of_another_meanwhile_does_not_bring_the_old_page_back(
    catalogue: Catalogue,
) -> None:
    """Between call and commit others have the old row rendered and stored again."""

    def call() -> None:
        revalidate_tag("product:1")
        assert InThread(catalogue.see).result() == ("old", "MISS")
        assert InThread(catalogue.see).result() == ("old", "HIT")

    catalogue.before_commit = call
    catalogue.edit()
    assert catalogue.see() == ("new", "MISS")


@pytest.mark.parametrize("where", ["request", "outside"])
def test_an_after_commit_listener_can_call_it(catalogue: Catalogue, where: str) -> None:
    """The usual place for it: SQLAlchemy's event behind each commit."""

    def changed(session: Session) -> None:
        revalidate_tag("product:1")

    event.listen(catalogue.db_session, "after_commit", changed)
    if where == "request":
        catalogue.edit()
    else:
        with catalogue.site.app.app_context():
            catalogue.db_session.get_one(Product, 1).name = "new"
            catalogue.db_session.commit()
    assert catalogue.see() == ("new", "MISS")


def test_an_after_flush_listener_can_call_it(catalogue: Catalogue) -> None:
    """A call from within the commit itself, before the database has it."""

    def changed(session: Session, flush_context: t.Any) -> None:
        revalidate_tag("product:1")
        assert InThread(catalogue.see).result()[0] == "old"

    event.listen(catalogue.db_session, "after_flush", changed)
    catalogue.edit()
    assert catalogue.see() == ("new", "MISS")
