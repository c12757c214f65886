"""The extensions of the blog, bound to no application."""

from __future__ import annotations

from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy.orm import DeclarativeBase

from flask_isr import ISR


class Base(DeclarativeBase):
    """The base of the models."""


db = SQLAlchemy(model_class=Base)
csrf = CSRFProtect()
isr = ISR()
