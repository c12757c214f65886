"""Flask-SQLAlchemy: renders and visitors have sessions of their own.

See tests/compat/apps/test_blog.py for a site with it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from flask_isr import revalidate_path
from flask_isr import static_page
from tests.conftest import MakeSite
from tests.support import cache_state

pytestmark = pytest.mark.promise(8)


class Base(DeclarativeBase):
    """The base of the models."""


class Post(Base):
    """Something that is edited."""

    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


@pytest.mark.parametrize("serve", ["wsgi", "view"])
def test_a_render_in_the_middle_of_an_edit_disturbs_nothing(
    make_site: MakeSite, tmp_path: Path, serve: str
) -> None:
    """It sees what is committed, and leaves the visitor's changes to him; the next load
    shows them."""
    url = f"sqlite:///{tmp_path / 'posts.sqlite'}"
    site = make_site(ISR_SERVE=serve, SQLALCHEMY_DATABASE_URI=url)
    db = SQLAlchemy(site.app, model_class=Base)
    rendered = []

    @site.app.get("/")
    @static_page()
    def home() -> str:
        rendered.append(db.get_or_404(Post, 1).title)
        return rendered[-1]

    @site.app.post("/edit")
    def edit() -> str:
        post = db.get_or_404(Post, 1)
        post.title = "new"
        db.session.flush()
        revalidate_path("/", mode="refresh")
        assert rendered == ["old", "old"]
        db.session.commit()
        return post.title

    with site.app.app_context():
        db.create_all()
        db.session.add(Post(title="old"))
        db.session.commit()
    assert site.get("/").text == "old"
    assert site.app.test_client().post("/edit").text == "new"
    assert site.get("/").text == "new"
    site.settle()
    assert cache_state(site.get("/")) == "HIT"
    with site.app.app_context():
        db.engine.dispose()
