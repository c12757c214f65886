"""Extensions for data, work in the background, and watching over a site."""

from __future__ import annotations

from flask import Flask

from flask_isr import static_page

from ..case import case
from ..database import database


@case("Flask, and no extension")
def none(app: Flask) -> None:
    """What the others are compared with."""


@case("Flask-SQLAlchemy")
def sqlalchemy(app: Flask) -> None:
    """A page of the database."""
    from sqlalchemy import text

    db = database(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        found = db.session.scalar(text("select 7"))
        return f"<!doctype html><title>{found}</title>"


@case("Flask-Migrate")
def migrate(app: Flask) -> None:
    """Its commands."""
    from flask_migrate import Migrate

    Migrate(app, database(app))


@case("Flask-Admin")
def admin(app: Flask) -> None:
    """Its pages beside ours."""
    from flask_admin import Admin

    Admin(app)


@case("Flask-Caching")
def caching(app: Flask) -> None:
    """A memoised function."""
    from flask_caching import Cache

    cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})

    @cache.memoize()
    def costly(number: int) -> int:
        return number

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return f"<!doctype html><title>{costly(number)}</title>"


@case("Flask-Limiter", level="inside")
def limiter(app: Flask) -> None:
    """Visitors are counted by their address."""
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address

    limiter = Limiter(get_remote_address, storage_uri="memory://")
    app.config["RATELIMIT_DEFAULT"] = "1000 per hour"
    limiter.init_app(app)


@case(
    "Flask-DebugToolbar",
    config={"DEBUG_TB_ENABLED": True},
    level="inside",
    adds_nothing=False,
)
def toolbar(app: Flask) -> None:
    """Switched on."""
    from flask_debugtoolbar import DebugToolbarExtension

    DebugToolbarExtension(app)


@case("Flask-Mailman")
def mailman(app: Flask) -> None:
    """Mail."""
    from flask_mailman import Mail

    Mail(app)


@case("Flask-Mail")
def mail(app: Flask) -> None:
    """Mail."""
    from flask_mail import Mail

    Mail(app)


@case("Flask-Bcrypt")
def bcrypt(app: Flask) -> None:
    """Passwords."""
    from flask_bcrypt import Bcrypt

    Bcrypt(app)


@case("Flask-Reuploaded")
def reuploaded(app: Flask) -> None:
    """Uploads, and where they are."""
    from flask_uploads import IMAGES
    from flask_uploads import UploadSet
    from flask_uploads import configure_uploads

    photos = UploadSet("photos", IMAGES)
    app.config["UPLOADED_PHOTOS_DEST"] = app.instance_path
    app.config["UPLOADED_PHOTOS_URL"] = "/photos/"
    configure_uploads(app, photos)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        return f"<!doctype html><title>a page</title>{photos.url('a.png')}"


@case("Flask-Executor")
def executor(app: Flask) -> None:
    """A function that runs in another thread."""
    from flask_executor import Executor

    executor = Executor(app)

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> str:
        twice = executor.submit(lambda: 2 * number).result()
        return f"<!doctype html><title>{twice}</title>"


@case("Flask-APScheduler")
def apscheduler(app: Flask) -> None:
    """Jobs."""
    from flask_apscheduler import APScheduler

    APScheduler(app=app)


@case("WhiteNoise")
def whitenoise(app: Flask) -> None:
    """Wrapped around the application, as its documentation has it."""
    from whitenoise import WhiteNoise

    app.wsgi_app = WhiteNoise(app.wsgi_app)


@case("prometheus-flask-exporter", level="inside")
def prometheus(app: Flask) -> None:
    """Metrics by hooks."""
    from prometheus_client import CollectorRegistry
    from prometheus_flask_exporter import PrometheusMetrics

    PrometheusMetrics(app, registry=CollectorRegistry())


@case("OpenTelemetry", level="inside")
def opentelemetry(app: Flask) -> None:
    """A span for each request."""
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    FlaskInstrumentor().instrument_app(app, tracer_provider=TracerProvider())


@case("Sentry", alone=True)
def sentry(app: Flask) -> None:
    """Errors and traces; nothing is sent."""
    import sentry_sdk

    sentry_sdk.init(
        dsn="https://key@sentry.example/1",
        traces_sample_rate=1.0,
        send_default_pii=True,
        transport=lambda event: None,
    )
