"""Signed, expiring tokens that stand in for the secret, for the targets that they name."""

from __future__ import annotations

import hashlib
import time
import typing as t

from itsdangerous import BadData
from itsdangerous import TimestampSigner
from itsdangerous import URLSafeTimedSerializer

from ..errors import ConfigurationError
from ..errors import NotAStaticPage
from ..validation import seconds

if t.TYPE_CHECKING:
    from ..revalidation.service import Revalidator

#: The most targets of one token, and of one call of the revalidate route.
TARGETS: t.Final = 256

# Seconds by which the clock of the machine that made a token may be ahead.
_SKEW = 10

_SALT = b"flask-isr.revalidate-token"


class Tokens:
    """Makes and reads tokens.

    :param secrets: those that are accepted; the last one signs.
    :param clock: seconds since 1970, as all machines that share the secret count them.
    """

    def __init__(
        self, secrets: t.Sequence[bytes], clock: t.Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._serializer = _serializer(secrets, clock) if secrets else None

    def make(self, targets: t.Collection[str], lifetime: t.Any) -> str:
        """A token for *targets*, good for *lifetime* seconds from now.

        :raises ConfigurationError: if there is no secret, or *lifetime* is malformed.
        """
        if self._serializer is None:
            raise ConfigurationError(
                "ISR_SECRET is not set, so no token can be signed; 'flask isr secret'"
                " makes one."
            )
        length = seconds("lifetime", lifetime)
        token: str = self._serializer.dumps([length, sorted(targets)])
        return token

    def read(self, token: str) -> frozenset[str] | None:
        """The targets that *token* is good for; ``None`` if it is good for none, because
        it is altered, expired, or not ours."""
        if self._serializer is None:
            return None
        try:
            (lifetime, targets), signed = self._serializer.loads(
                # Surrogates, which JSON can smuggle in, have no UTF-8 form.
                token.encode("utf-8", "replace"),
                return_timestamp=True,
            )
        except BadData:
            return None
        # The max_age of itsdangerous is not used: it accepts no clock that is ahead. Both
        # times are whole seconds, rounded down.
        age = int(self._clock()) - int(signed.timestamp())
        return frozenset(targets) if -_SKEW <= age <= lifetime else None


class _Signer(TimestampSigner):
    """Signs with the time of a clock."""

    def __init__(
        self, *args: t.Any, clock: t.Callable[[], float], **kwargs: t.Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._clock = clock

    def get_timestamp(self) -> int:
        """Now, in whole seconds since 1970."""
        return int(self._clock())


def _serializer(
    secrets: t.Sequence[bytes], clock: t.Callable[[], float]
) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        list(secrets),
        salt=_SALT,
        signer=_Signer,
        signer_kwargs={
            "key_derivation": "hmac",
            "digest_method": hashlib.sha256,
            "clock": clock,
        },
    )


def target_names(
    check: Revalidator, paths: t.Iterable[t.Any], tags: t.Iterable[t.Any], match: str
) -> frozenset[str]:
    """*paths* and *tags* as tokens name them: two spellings of a path are one name.

    :raises ValueError: if one is malformed.
    :raises NotAStaticPage: if no static page serves a path.
    """
    items = [check.path(path, match, "expire") for path in paths]
    items += [check.tag(tag, "expire") for tag in tags]
    return frozenset(item.tag for item in items)


def checked_targets(check: Revalidator, paths: t.Any, tags: t.Any) -> frozenset[str]:
    """The targets of a new token.

    :raises ValueError: if there are none or too many, or one is malformed.
    :raises NotAStaticPage: if no static page serves a path.
    """
    path_list, tag_list = _listed("paths", paths), _listed("tags", tags)
    if not path_list and not tag_list:
        raise ConfigurationError(
            "a token needs at least one path or tag to be good for."
        )
    if len(path_list) + len(tag_list) > TARGETS:
        raise ConfigurationError(f"a token is for {TARGETS} paths and tags at most.")
    return target_names(check, path_list, tag_list, "path")


def _listed(name: str, values: t.Any) -> list[t.Any]:
    if isinstance(values, str | bytes) or not isinstance(values, t.Iterable):
        raise ConfigurationError(f"{name} is {values!r}; it must be a list of strings.")
    return list(values)


def names_all(
    grant: frozenset[str],
    check: Revalidator,
    paths: t.Iterable[str],
    tags: t.Iterable[str],
    match: str,
) -> bool:
    """Whether a token that is good for *grant* names each of these targets.

    The result does not reveal whether another target is malformed or exists.
    """
    try:
        return target_names(check, paths, tags, match) <= grant
    except (ValueError, NotAStaticPage):
        return False
