"""What a backend cannot do is found out, and said."""

from __future__ import annotations

import typing as t

import pytest
from cachelib import SimpleCache
from cachelib.serializers import JSONSerializer

from flask_isr.errors import ConfigurationError
from flask_isr.stores.caching.backend import CacheBackend
from flask_isr.stores.caching.backend import probe
from flask_isr.stores.caching.flask_caching import BytesSerializer
from flask_isr.stores.caching.flask_caching import private_backend
from flask_isr.stores.caching.limits import LIMITS

from .values import Broken
from .values import Mute
from .values import Watched


def test_the_probe_finds_nothing_wrong_with_a_good_backend(watched: Watched) -> None:
    """It leaves nothing behind either."""
    assert probe(watched, 100_000) == []
    assert watched.values == {}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param(Broken(), "reach:", id="broken"),
        pytest.param(Mute(), "bytes: a value of 1 bytes", id="mute"),
        pytest.param(SimpleCache(), "", id="simple"),
    ],
)
def test_the_probe_says_what_is_wrong(values: CacheBackend, found: str) -> None:
    """One line for each thing that the backend does not do."""
    complaints = probe(values, 10)
    assert any(found in line for line in complaints) or not found
    assert bool(complaints) == bool(found)


def test_the_probe_finds_a_serializer_that_drops_bytes() -> None:
    """JSON keeps no bytes, and says that all went well."""
    values = SimpleCache()
    values.serializer = JSONSerializer()  # type: ignore[assignment]
    assert any("bytes" in line for line in probe(values, 10))


def test_a_private_cache_never_unpickles() -> None:
    """Its serializer takes bytes and numbers, and nothing else."""
    serializer = BytesSerializer()
    for value in (b"", b"page", 7):
        assert serializer.loads(serializer.dumps(value)) == value
    with pytest.raises(TypeError):
        serializer.dumps({"a": 1})
    assert serializer.loads(b"!pickle") is None
    assert serializer.loads(b"ix") is None
    values: t.Any = private_backend({"CACHE_TYPE": "SimpleCache"})
    assert isinstance(values.serializer, BytesSerializer)


@pytest.mark.parametrize("name", ["NullCache", "NoSuchCache", "FileSystemCache"])
@pytest.mark.filterwarnings("ignore:Flask-Caching")
def test_a_backend_that_cannot_keep_pages_is_refused(name: str) -> None:
    """NullCache, what does not exist, and a folder without a name."""
    with pytest.raises(ConfigurationError, match=name):
        private_backend({"CACHE_TYPE": name})


def test_what_backends_cannot_do_is_stated() -> None:
    """The table has every backend of Flask-Caching that can be used."""
    from flask_caching import backends

    refused = {"BaseCache", "NullCache", "SpreadSASLMemcachedCache"}
    assert set(LIMITS) == set(backends.__all__) - refused
