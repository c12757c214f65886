"""Bodies compressed once, when they are rendered."""

from __future__ import annotations

import gzip
import importlib
import re
import typing as t

from ..core.entry import EncodedBody
from ..core.entry import Headers
from ..errors import ConfigurationError

# Smaller bodies fit in one packet as they are.
_SMALLEST = 500

# Types that compress well; other pictures, fonts and archives are compressed already.
_COMPRESSIBLE = re.compile(
    r"text/(?!event-stream).*"
    r"|application/(?:(?:[^;]*\+)?(?:json|xml|text)|javascript|x-javascript|ecmascript"
    r"|manifest\+json|x-ndjson|wasm|rtf|vnd\.ms-fontobject|x-font-ttf)"
    r"|image/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)"
    r"|font/(?:ttf|otf)",
    re.IGNORECASE,
)

# Headers by which a view describes the exact bytes that it made.
_OF_THE_BYTES = {
    "content-digest",
    "content-encoding",
    "content-md5",
    "digest",
    "repr-digest",
}

# Levels at which a page of 20 kB takes about half a millisecond.
_GZIP_LEVEL = 6
_BROTLI_QUALITY = 5
_ZSTD_LEVEL = 9

Compress: t.TypeAlias = t.Callable[[bytes], bytes]


def _gzip() -> Compress:
    # Without a time stamp, so that equal bodies stay equal.
    return lambda body: gzip.compress(body, _GZIP_LEVEL, mtime=0)


def _brotli() -> Compress:
    brotli: t.Any = importlib.import_module("brotli")
    return lambda body: t.cast(bytes, brotli.compress(body, quality=_BROTLI_QUALITY))


def _zstd() -> Compress:
    zstandard: t.Any = importlib.import_module("zstandard")

    def compress(body: bytes) -> bytes:
        # One compressor for each body: threads must not share one.
        return t.cast(bytes, zstandard.ZstdCompressor(_ZSTD_LEVEL).compress(body))

    return compress


# Coding to the factory of its compressor, and the extra that installs what it needs.
_MAKERS: t.Final[t.Mapping[str, tuple[t.Callable[[], Compress], str | None]]] = {
    "br": (_brotli, "brotli"),
    "zstd": (_zstd, "zstd"),
    "gzip": (_gzip, None),
}


def compressor(coding: str) -> Compress:
    """The function that compresses a body in *coding*, one of :data:`.CODINGS`.

    :raises ConfigurationError: if the package that it needs is not installed.
    """
    make, extra = _MAKERS[coding]
    try:
        return make()
    except ImportError as error:
        raise ConfigurationError(
            f"ISR_ENCODINGS names {coding!r}, which needs a package that is not installed"
            f" ({error}): pip install 'Flask-ISR[{extra}]'."
        ) from error


def compressed(
    headers: Headers, body: bytes, compressors: t.Mapping[str, Compress]
) -> tuple[EncodedBody, ...]:
    """*body* in each coding that makes it smaller, if it may be compressed at all.

    :param headers: those of the page. Those that describe its exact bytes, and
        ``no-transform`` (RFC 9111, section 5.2.2.6), are respected.
    """
    if len(body) < _SMALLEST or not compressors or not _may_compress(headers):
        return ()
    coded = (
        EncodedBody(name, compress(body)) for name, compress in compressors.items()
    )
    return tuple(form for form in coded if len(form.body) < len(body))


def _may_compress(headers: Headers) -> bool:
    compressible = False
    for name, value in headers:
        lower = name.lower()
        if lower in _OF_THE_BYTES:
            return False
        if lower == "cache-control" and "no-transform" in value.lower():
            return False
        if lower == "content-type":
            compressible = (
                _COMPRESSIBLE.fullmatch(value.split(";")[0].strip()) is not None
            )
    return compressible
