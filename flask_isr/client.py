"""Calling the revalidate route of a site from another service."""

from __future__ import annotations

import contextlib
import datetime
import json
import time
import typing as t
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from .errors import ConfigurationError
from .errors import ISRError
from .modes import MatchKind
from .modes import Mode
from .validation import seconds

if t.TYPE_CHECKING:
    from requests import PreparedRequest
    from requests import Response
    from requests import Session

# Bytes of an answer that are read: a message and some paths.
_ANSWER = 1024 * 1024

# Characters of a server's message that are repeated.
_MESSAGE = 500

# Seconds: the first pause before another attempt, which doubles, and the longest.
_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Revalidated:
    """The site's answer to a call: all that was named is expired.

    :param complete: whether the new pages are in place, as far as the mode waits for them.
    :param paths: the paths that were named.
    :param tags: the tags that were named.
    :param pending: paths whose render goes on in the background of the site.
    """

    complete: bool
    paths: tuple[str, ...]
    tags: tuple[str, ...]
    pending: tuple[str, ...] = ()


class RemoteError(ISRError):
    """The site did not do what it was asked to do.

    :param message: what the site said, or what went wrong.
    :param status: the status of the site's answer; ``None`` if there was none.
    :param failed: path to cause, for pages whose render failed; they are expired, and
        their last good copies are served.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        failed: t.Mapping[str, str] | None = None,
    ) -> None:
        #: What the site said, or what went wrong.
        self.message = message
        #: The status of the site's answer; ``None`` if there was none.
        self.status = status
        #: Path to cause, for pages whose render failed.
        self.failed = dict(failed or {})
        super().__init__(message if status is None else f"{message} (status {status})")


class RemoteUnavailable(RemoteError):
    """The site could not be reached, or could not record the invalidation: the old pages
    may stay. Try again later."""


class RevalidateClient:
    """Calls the revalidate route of one site. May be shared by threads.

    .. code-block:: python

        client = RevalidateClient("https://shop.example/api/revalidate", secret)
        client.revalidate(["/products/1"], tags=["prices"])

    :param url: the address of the route, with scheme and host.
    :param secret: the site's ``ISR_SECRET``, or one of them. It is sent as a header, and
        no exception or repr shows it.
    :param timeout: seconds for a connection, and for each wait for the answer; longer
        than the site's ``ISR_WAIT_TIMEOUT``.
    :param retries: further attempts if the site cannot be reached or answers 503. A
        ``Retry-After`` is respected; if it is above half a minute, the attempts end.
    :param sleep: replaces the pause between attempts, for tests.
    :raises ConfigurationError: (a :exc:`ValueError`) if an argument is wrong.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        timeout: float = 30.0,
        retries: int = 2,
        sleep: t.Callable[[float], object] = time.sleep,
    ) -> None:
        self.url = _checked_url(url)
        self._secret = _checked_secret(secret)
        self._timeout = seconds("timeout", timeout)
        self._retries = _checked_retries(retries)
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def revalidate(
        self,
        paths: t.Iterable[str] = (),
        *,
        tags: t.Iterable[str] = (),
        match: MatchKind | None = None,
        mode: Mode | None = None,
    ) -> Revalidated:
        """Have the site make these pages give way to new ones.

        :param paths: as the address bar shows them, or as *match* takes them.
        :param tags: as in ``@static_page(tags=…)``.
        :param match: ``None``: each path names one page.
        :param mode: ``None``: paths are refreshed, and the site waits for the new pages;
            all else is expired.
        :raises ConfigurationError: if no path and no tag is named.
        :raises RemoteUnavailable: if the call was not recorded, as far as is known.
        :raises RemoteError: if the site refused, or a render failed.
        """
        named = {"paths": _listed("paths", paths), "tags": _listed("tags", tags)}
        if not any(named.values()):
            raise ConfigurationError("revalidate() was called without a path or tag.")
        words = {"match": match, "mode": mode}
        return self._call(
            named | {name: word for name, word in words.items() if word is not None}
        )

    def _call(self, body: t.Mapping[str, t.Any]) -> Revalidated:
        # Imported here: it takes longer than all of this package.
        import requests

        attempt = 0
        with requests.Session() as session:
            while True:
                outcome = self._attempt(session, body)
                if isinstance(outcome, Revalidated):
                    return outcome
                pause = _PAUSE * 2**attempt if outcome.after is None else outcome.after
                last = attempt == self._retries or pause > _LONGEST_PAUSE
                if last or not outcome.again:
                    raise outcome.error
                self._sleep(pause)
                attempt += 1

    def _attempt(
        self, session: Session, body: t.Mapping[str, t.Any]
    ) -> Revalidated | _Failed:
        import requests

        try:
            with session.post(
                self.url,
                json=body,
                auth=self._sign,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._result_of(response, _read(response))
        except requests.exceptions.SSLError as error:
            again, cause = False, f"the connection is not safe: {error}"
        except requests.exceptions.ReadTimeout:
            # The site may still be at work: another attempt would double that work.
            again, cause = False, f"no answer within {self._timeout:g} s"
        except requests.exceptions.ConnectionError as error:
            # The library wraps the cause in a sentence about attempts that it did not make.
            reason = getattr(error.args[0] if error.args else None, "reason", error)
            again, cause = True, f"cannot be reached: {reason}"
        except requests.exceptions.RequestException as error:
            again, cause = False, str(error)
        # The library's own error is not chained: it holds the request, and so the secret.
        return _Failed(RemoteUnavailable(self._said(cause)), again)

    def _sign(self, request: PreparedRequest) -> PreparedRequest:
        # Set by way of `auth`, so that no entry of a .netrc replaces the header.
        request.headers["Authorization"] = b"Bearer " + self._secret.encode()  # type: ignore[assignment]
        return request

    def _said(self, text: str) -> str:
        """*text* about the site, for people: one line of bounded length."""
        hidden = text.replace(self._secret, "…")
        printable = "".join(c if c.isprintable() else " " for c in hidden)
        return f"{self.url}: {printable[:_MESSAGE]}"

    def _result_of(
        self, response: Response, answer: dict[str, t.Any]
    ) -> Revalidated | _Failed:
        status = response.status_code
        done = answer.get("revalidated")
        if (status, done) in ((200, True), (202, False)):
            return Revalidated(
                bool(done),
                *(_texts(answer, key) for key in ("paths", "tags", "pending")),
            )
        message, detail = answer.get("message"), answer.get("detail")
        if status == 503:
            text = message if isinstance(message, str) else "not available"
            after = _retry_after(response.headers.get("Retry-After"))
            return _Failed(RemoteUnavailable(self._said(text), status), True, after)
        if response.is_redirect:
            target = response.headers["Location"]
            text = (
                f"redirects to {target}; redirects are not followed, name that address"
            )
        elif not isinstance(message, str):
            text = "this is no answer of a revalidate route; is the address right?"
        else:
            text = f"{message}: {detail}" if isinstance(detail, str) else message
        return _Failed(RemoteError(self._said(text), status, self._causes(answer)))

    def _causes(self, answer: t.Mapping[str, t.Any]) -> dict[str, str]:
        failed = answer.get("failed")
        if not isinstance(failed, dict):
            return {}
        return {
            path: str(cause).replace(self._secret, "…")
            for path, cause in failed.items()
        }


@dataclass(frozen=True, slots=True)
class _Failed:
    """A failed attempt.

    :param again: whether another attempt may succeed.
    :param after: seconds to wait before that attempt, if the site named them.
    """

    error: RemoteError
    again: bool = False
    after: float | None = None


def _read(response: Response) -> dict[str, t.Any]:
    """The JSON object in the answer; empty if there is none."""
    body = b""
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > _ANSWER:
            return {}
    with contextlib.suppress(ValueError, RecursionError):
        answer = json.loads(body)
        if isinstance(answer, dict):
            return answer
    return {}


def _texts(answer: t.Mapping[str, t.Any], key: str) -> tuple[str, ...]:
    values = answer.get(key)
    return tuple(map(str, values)) if isinstance(values, list) else ()


def _retry_after(value: str | None) -> float | None:
    """Seconds in a ``Retry-After``, which has a number or a date."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    now = datetime.datetime.now(datetime.UTC)
    aware = date if date.tzinfo is not None else date.replace(tzinfo=datetime.UTC)
    return max(0.0, (aware - now).total_seconds())


def _checked_url(url: t.Any) -> str:
    parts = None
    if isinstance(url, str) and url.isprintable():
        with contextlib.suppress(ValueError):
            parts = urlsplit(url)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
    ):
        # The URL is not shown: it may hold a password, or the secret.
        raise ConfigurationError(
            "the URL must be the address of the revalidate route, such as"
            " 'https://shop.example/api/revalidate': scheme, host and path, without user,"
            " query and fragment."
        )
    return t.cast(str, url)


def _checked_secret(secret: t.Any) -> str:
    if not isinstance(secret, str) or not secret or not secret.isprintable():
        raise ConfigurationError(
            "the secret must be a non-empty string without control characters."
        )
    return secret


def _checked_retries(retries: t.Any) -> int:
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise ConfigurationError(
            f"retries is {retries!r}; it must be a whole number, 0 or greater."
        )
    return retries


def _listed(name: str, values: t.Any) -> list[t.Any]:
    if isinstance(values, str | bytes):
        raise ConfigurationError(f"{name} is {values!r}; it must be a list of strings.")
    return list(values)
