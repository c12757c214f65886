"""Every ``ISR_*`` key is checked once; a wrong value is named."""

from __future__ import annotations

import datetime
import logging
import typing as t
import warnings
from pathlib import Path

import pytest
from flask import Flask

from flask_isr import ISR
from flask_isr import ConfigurationError
from flask_isr.config import DEFAULTS
from flask_isr.config import Origin
from flask_isr.config import Settings

from ..conftest import MakeSite
from ..support import SECRET

TIMES: list[t.Any] = [0, -1, float("nan"), float("inf"), True, "60", "", [60]]
SIZES: list[t.Any] = [0, -1, 1.5, True, "10 MiB", None]

WRONG: dict[str, list[t.Any]] = {
    "ISR_SECRET": [
        "",
        b"bytes are no secret",
        12345678901234567,
        ["good enough", ""],
        {},
    ],
    "ISR_REVALIDATE_GET": ["no", 1, 0, None],
    "ISR_CACHE": [
        "RedisCache",
        {},
        {"CACHE_TYPE": None},
        {"CACHE_TYPE": "x", "DIR": "y"},
    ],
    "ISR_FOLDER": ["", "/pages\0", 5, True, ["/folder"]],
    "ISR_ORIGIN": [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "https://",
        "https:///shop",
        "https://user@example.com",
        "https://example.com/?a=1",
        "https://example.com/#top",
        "http://[::1",
        "http://example.com:port",
        "http://example.com:99999",
        5,
        b"https://example.com",
    ],
    "ISR_SERVE": ["WSGI", "", None, True, ["wsgi"]],
    "ISR_RENDER_TIMEOUT": [*TIMES, None],
    "ISR_WAIT_TIMEOUT": [*TIMES, None],
    "ISR_STALE_IF_ERROR": TIMES[1:],
    "ISR_ENABLED": ["yes", 1, 0, "true"],
    "ISR_APP_ID": [5, "", True, None],
    "ISR_BUILD_ID": [5, "", True],
    "ISR_BUILD_FILES": ["content/*.md", [""], [1], ["a\0b"], None, 5, {"a": "b"}],
    "ISR_PERSONAL_COOKIES": ["session", [""], [1], 5],
    "ISR_IGNORE": ["Authorization", [""], [1], 5],
    "ISR_SESSION_IGNORE": ["nonce", [""], [1], 5],
    "ISR_MEMORY_BYTES": SIZES,
    "ISR_STORE_BYTES": SIZES,
    "ISR_PAGE_BYTES": SIZES,
    "ISR_EXPIRE_ON_WRITE": ["yes", 1, None],
    "ISR_CACHE_GROUPS": ["yes", 0, None],
    "ISR_SIGN": ["yes", 0, None],
    "ISR_ENCODINGS": ["gzip", ["deflate"], [1], 5],
    "ISR_RUNNER": ["threads", None, 5, {"submit": "me"}],
}


def settings_of(tmp_path: Path, **config: t.Any) -> Settings:
    """The settings of an application with *config*."""
    app = Flask("app", instance_path=str(tmp_path))
    app.config.update(config)
    return Settings.from_app(app)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(key, value, id=f"{key}={value!r:.30}")
        for key, values in WRONG.items()
        for value in values
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, key: str, value: t.Any) -> None:
    """The error names the key, the value and what is accepted; a secret's value is not
    shown, however wrong."""
    with pytest.raises(ConfigurationError) as caught:
        settings_of(tmp_path, **{key: value})

    message = str(caught.value)
    assert key in message
    assert "it must be" in message or "it must" in message
    if key == "ISR_SECRET":
        assert "good enough" not in message
        assert "12345678901234567" not in message
    elif key == "ISR_CACHE":
        # Its settings may hold a password.
        assert f"is {value!r}" not in message
    else:
        assert repr(value) in message


def test_every_key_is_tried_with_wrong_values() -> None:
    """The table above has every key."""
    assert set(WRONG) == set(DEFAULTS)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    """A key that looks like a setting and is none is an error that lists the settings."""
    with pytest.raises(ConfigurationError) as caught:
        settings_of(tmp_path, ISR_SECRETS=SECRET)

    assert "ISR_SECRETS is no setting" in str(caught.value)
    assert "ISR_SECRET, ISR_REVALIDATE_GET, ISR_CACHE" in str(caught.value)


def test_init_app_refuses_wrong_settings(make_site: MakeSite) -> None:
    """The error comes when the extension is added, not when a visitor comes."""
    with pytest.raises(ConfigurationError, match="ISR_SERVE is 'flask'"):
        make_site(ISR_SERVE="flask")


def test_defaults(tmp_path: Path) -> None:
    """Without any setting everything has its documented value."""
    settings = settings_of(tmp_path)

    assert settings.secrets == ()
    assert settings.folder == tmp_path / "isr"
    assert settings.origin is None
    assert settings.serve == "auto"
    assert (settings.render_timeout, settings.wait_timeout) == (60, 10)
    assert settings.stale_if_error is None
    sizes = settings.memory_bytes, settings.store_bytes, settings.page_bytes
    assert sizes == (64 << 20, 1 << 30, 10 << 20)
    assert settings.runner == "thread"


def test_right_values_are_taken(tmp_path: Path) -> None:
    """Each accepted form of a value arrives as what it means."""
    settings = settings_of(
        tmp_path,
        ISR_SECRET=[SECRET, "another secret for rotation"],
        ISR_FOLDER=str(tmp_path / "pages"),
        ISR_ORIGIN="HTTPS://Shop.Example.com:8443/shop/",
        ISR_RENDER_TIMEOUT=datetime.timedelta(minutes=2),
        ISR_WAIT_TIMEOUT=2.5,
        ISR_STALE_IF_ERROR=3600,
        ISR_RUNNER="inline",
    )

    assert settings.secrets == (SECRET.encode(), b"another secret for rotation")
    assert settings.folder == tmp_path / "pages"
    assert settings.origin == Origin("https", "shop.example.com:8443", "/shop")
    assert (settings.render_timeout, settings.wait_timeout) == (120, 2.5)
    assert settings.stale_if_error == 3600
    assert settings.runner == "inline"


def test_environment_variables_come_the_flask_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``from_prefixed_env`` gives numbers, lists and words; all of them are understood."""
    monkeypatch.setenv("FLASK_ISR_SECRET", f'["{SECRET}", "{SECRET} before"]')
    monkeypatch.setenv("FLASK_ISR_ORIGIN", "https://example.com")
    monkeypatch.setenv("FLASK_ISR_WAIT_TIMEOUT", "2.5")
    monkeypatch.setenv("FLASK_ISR_STALE_IF_ERROR", "null")
    monkeypatch.setenv("FLASK_ISR_PAGE_BYTES", "1000")
    app = Flask("app", instance_path=str(tmp_path))
    app.config.from_prefixed_env()

    settings = Settings.from_app(app)

    assert settings.secrets == (SECRET.encode(), f"{SECRET} before".encode())
    assert settings.origin == Origin("https", "example.com")
    assert settings.wait_timeout == 2.5
    assert settings.stale_if_error is None
    assert settings.page_bytes == 1000


def test_what_comes_too_late_is_told(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, at the first request, and by its name; what is set as it was is no fault."""
    site = make_site(ISR_PAGE_BYTES=1000)
    site.app.config.update(ISR_PAGE_BYTES=1000, ISR_SERVE="auto", ISR_SECRET=SECRET * 2)
    site.get("/")
    site.get("/")
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("ISR_SECRET was set after ISR(app)")
    assert SECRET not in caplog.text


def test_a_relative_folder_is_below_the_instance_folder(tmp_path: Path) -> None:
    """Wherever a server or a command was started."""
    assert settings_of(tmp_path, ISR_FOLDER="pages").folder == tmp_path / "pages"


class TestSecrets:
    """A secret is never shown, and a weak one is pointed out."""

    @pytest.mark.parametrize(
        ("secret", "fault"),
        [
            ("", "is empty"),
            (["x" * 16, ""], "is a list with an item that is no string or empty"),
            (12345678901234567, "is of type int"),
        ],
    )
    def test_what_is_wrong_with_it_is_told(
        self, tmp_path: Path, secret: t.Any, fault: str
    ) -> None:
        """Without showing it."""
        with pytest.raises(ConfigurationError, match=f"ISR_SECRET {fault};"):
            settings_of(tmp_path, ISR_SECRET=secret)

    @pytest.mark.parametrize("secret", ["x" * 15, ["x" * 15, SECRET]])
    def test_a_short_secret_warns(self, tmp_path: Path, secret: t.Any) -> None:
        """Fewer than sixteen characters warn, without showing them."""
        with pytest.warns(UserWarning, match="shorter than 16") as caught:
            settings_of(tmp_path, ISR_SECRET=secret)

        assert "x" * 15 not in str(caught[0].message)

    def test_a_long_secret_does_not_warn(self, tmp_path: Path) -> None:
        """Sixteen characters are enough."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            settings_of(tmp_path, ISR_SECRET="x" * 16)

    def test_no_repr_or_log_shows_a_secret(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither the settings nor the state nor the extension show the secret."""
        caplog.set_level(logging.DEBUG)
        app = Flask("app", instance_path=str(tmp_path))
        app.config["ISR_SECRET"] = SECRET
        isr = ISR(app)
        app.register_blueprint(isr.blueprint)
        state = app.extensions["isr"]
        app.test_client().get(f"/revalidate?secret={SECRET}&path=/nothing")

        shown = f"{state.settings!r} {state!r} {isr!r} {vars(state)!r} {caplog.text}"
        state.store.close()

        assert SECRET not in shown
        assert repr(SECRET.encode()) not in shown
