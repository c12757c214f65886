"""Values signed by the application, for backends that others can write to."""

from __future__ import annotations

import functools
import hashlib
import typing as t

from itsdangerous import Signer

from ...errors import ConfigurationError

_SALT = b"flask-isr.store"

# Bytes of a signature: SHA-256 in base64 without padding.
_LENGTH = 43


class Signature:
    """Signs what is kept at an address, so that nobody else can write it, or put it at
    another address.

    What somebody puts back that stood at the same address earlier has a good signature: it
    is judged like any old value, by its age and by what was invalidated since. The stamps
    that tell of invalidations can be put back with it: then it is as good as it was.

    :param keys: gives the keys at the first use; the last one signs, all are accepted.
    """

    def __init__(self, keys: t.Callable[[], t.Sequence[bytes]]) -> None:
        self._keys = keys

    @functools.cached_property
    def _signer(self) -> Signer:
        keys = self._keys()
        if not keys:
            raise ConfigurationError(
                "ISR_SIGN is on, and SECRET_KEY is not set: there is nothing to sign with."
            )
        return Signer(
            keys, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256
        )

    def check(self) -> None:
        """:raises ConfigurationError: where there is no key."""
        _ = self._signer

    def sign(self, address: str, value: bytes) -> bytes:
        """*value*, signed for *address*."""
        return self._signer.get_signature(_message(address, value)) + value

    def verified(self, address: str, signed: bytes) -> bytes | None:
        """The value that was signed for *address*; ``None`` where it was not."""
        value = signed[_LENGTH:]
        if self._signer.verify_signature(_message(address, value), signed[:_LENGTH]):
            return value
        return None


def _message(address: str, value: bytes) -> bytes:
    # Addresses have no such character: no two pairs make the same message.
    return address.encode() + b"\0" + value
