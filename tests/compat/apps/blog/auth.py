"""Register, log in and out: by hand, as the tutorial does it, or with Flask-Login."""

from __future__ import annotations

import functools
import typing as t

from flask import Blueprint
from flask import Flask
from flask import current_app
from flask import flash
from flask import g
from flask import redirect
from flask import render_template
from flask import request
from flask import session
from flask import url_for
from flask_login import LoginManager
from flask_login import current_user
from flask_login import login_user
from flask_login import logout_user
from sqlalchemy import select
from werkzeug import Response
from werkzeug.security import check_password_hash
from werkzeug.security import generate_password_hash

from .extensions import db
from .models import User

bp = Blueprint("auth", __name__, url_prefix="/auth")

# One round: the passwords of tests need no protection.
_HASH = "pbkdf2:sha256:1"


def init_app(app: Flask) -> None:
    """Let visitors of *app* log in."""
    app.register_blueprint(bp)
    if app.config["LOGIN"] == "Flask-Login":
        manager = LoginManager(app)
        manager.user_loader(lambda key: db.session.get(User, int(key)))
        app.context_processor(lambda: {"user": current_user})
    else:
        app.before_request(load_logged_in_user)
        app.context_processor(lambda: {"user": g.user})


def load_logged_in_user() -> None:
    """As in the tutorial."""
    key = session.get("user_id")
    g.user = None if key is None else db.session.get(User, key)


def login_required(view: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """As in the tutorial."""

    @functools.wraps(view)
    def wrapped(**values: t.Any) -> t.Any:
        user = current_user if _with_flask_login() else g.user
        if user is None or not user.is_authenticated:
            return redirect(url_for("auth.login"))
        return view(**values)

    return wrapped


def _with_flask_login() -> bool:
    return bool(current_app.config["LOGIN"] == "Flask-Login")


@bp.route("/register", methods=["GET", "POST"])
def register() -> str | Response:
    """Become a user."""
    if request.method == "GET":
        return render_template("credentials.html")
    password = generate_password_hash(request.form["password"], _HASH)
    db.session.add(User(name=request.form["name"], password=password))
    db.session.commit()
    return redirect(url_for("auth.login"))


@bp.route("/login", methods=["GET", "POST"])
def login() -> str | Response:
    """Log in, and be welcomed on the front page."""
    if request.method == "GET":
        return render_template("credentials.html")
    user = db.session.scalar(select(User).filter_by(name=request.form["name"]))
    if user is None or not check_password_hash(user.password, request.form["password"]):
        flash("Wrong name or password.")
        return redirect(url_for("auth.login"))
    session.clear()
    if _with_flask_login():
        login_user(user, remember="remember" in request.form)
    else:
        session["user_id"] = user.id
    flash(f"Welcome, {user.name}!")
    return redirect(url_for("posts.index"))


@bp.get("/logout")
def logout() -> Response:
    """Be a stranger again."""
    if _with_flask_login():
        logout_user()
    session.clear()
    return redirect(url_for("posts.index"))
