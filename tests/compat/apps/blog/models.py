"""What the blog stores."""

from __future__ import annotations

from flask_login import UserMixin
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from .extensions import Base


class User(UserMixin, Base):  # type: ignore[misc]
    """Who may write."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]


class Post(Base):
    """What he wrote."""

    __tablename__ = "post"
    # As in the tutorial: the address of a deleted post is never another one's.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
