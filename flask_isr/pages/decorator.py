"""The decorator ``@static_page``, and what a view declares of its pages with it."""

from __future__ import annotations

import contextlib
import functools
import string
import typing as t
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ..config import Serve
from ..core.freshness import Lifetime
from ..core.key import user_tag
from ..current import current_extension
from ..errors import ConfigurationError
from ..http.query import ANY
from ..validation import seconds

#: A page that exists: values of the URL (``{"product_id": 1}``) or a path.
PathItem: t.TypeAlias = Mapping[str, t.Any] | str
Paths: t.TypeAlias = Iterable[PathItem] | Callable[[], Iterable[PathItem]]
Tags: t.TypeAlias = Iterable[str] | Callable[..., Iterable[str]]
#: Names of query parameters, ``"*"`` for all, or a callable that gives the names.
Query: t.TypeAlias = Iterable[str] | Callable[[], Iterable[str]] | t.Literal["*"]
Fallback: t.TypeAlias = t.Literal["blocking", False]
View = t.TypeVar("View", bound=Callable[..., t.Any])

#: The attribute by which a decorated view, and the view below it, are known.
PAGE_ATTRIBUTE = "__flask_isr_page__"

_TAG_LENGTH = 256
TAGS_ON_A_PAGE = 128


@dataclass(frozen=True, eq=False)
class StaticPage:
    """The arguments of one :func:`static_page`, checked.

    :param name: the view's name, for messages.
    :param view: the view itself, below the decorator.
    """

    name: str
    view: Callable[..., t.Any]
    lifetime: Lifetime
    paths: Paths | None
    fallback: Fallback
    tags: Tags
    query: tuple[str, ...] | Callable[[], Iterable[str]]
    serve: Serve | None
    ignore: frozenset[str]
    expire_on_write: bool

    def declared(self) -> tuple[str, ...]:
        """The names of the query parameters that the page depends on now.

        :raises ConfigurationError: if the callable gave something else than names.
        """
        if callable(self.query):
            return _checked_names("query", self.query())
        return self.query

    @property
    def tag_fields(self) -> set[str]:
        """Names of the URL values that the tags are filled in with."""
        if callable(self.tags):
            return set()
        return {name for tag in self.tags for name in _fields(tag)}

    def tags_for(self, values: Mapping[str, t.Any]) -> frozenset[str]:
        """The tags of the page with these URL *values*, as the store knows them.

        :raises ConfigurationError: if the callable gave something else than tags.
        """
        whose = f"tags of the static page {self.name!r}"
        if not callable(self.tags):
            return checked_tags((tag.format_map(values) for tag in self.tags), whose)
        tags = self.tags(**values)
        # A string is iterable: its characters would be taken for tags.
        if isinstance(tags, str) or not isinstance(tags, Iterable):
            raise ConfigurationError(f"the {whose}: {_shortened(tags)} is no list.")
        return checked_tags(tags, whose)


def static_page(
    revalidate: float | timedelta | t.Literal[False] = False,
    *,
    paths: Paths | None = None,
    fallback: Fallback = "blocking",
    expire: float | timedelta | None = None,
    tags: Tags = (),
    query: Query = (),
    serve: Serve | None = None,
    ignore: Iterable[str] | t.Literal["*"] = (),
    expire_on_write: bool = True,
) -> Callable[[View], View]:
    """Serve the view's answer from the store, and render it anew behind the visitors.

    Put it directly above the view, below ``@app.get``. The view is called without a
    visitor: no cookies, no headers, only the query parameters named in *query*.

    .. code-block:: python

        @app.get("/products/<int:product_id>")
        @static_page(revalidate=60, tags=["product:{product_id}"])
        def product(product_id): ...

    :param revalidate: seconds or timedelta after which the page is stale: it is served
        once more while one new render runs. ``False``: never by time.
    :param paths: the pages that exist, as URL values (``{"product_id": 1}``) or paths
        (``"/products/1"``), or a callable that returns them. ``flask isr build`` renders
        them ahead, and ``fallback=False`` serves no others.
    :param fallback: for a path not in *paths*: ``"blocking"`` renders it for its first
        visitor, ``False`` answers 404 without a render.
    :param expire: seconds or timedelta after which the page must be rendered before it is
        served; greater than *revalidate*. ``None``: it may be served however old.
    :param tags: names by which :func:`~flask_isr.revalidate_tag` finds the page, with
        ``{values}`` of the URL filled in; or a callable that takes the URL values by name
        and returns them.
    :param query: names of the query parameters that the page depends on, a callable that
        returns them, or ``"*"`` for all. Others are invisible to the render and make no
        new pages; visitors who send one that the render was seen to read are answered by
        the view.
    :param serve: ``"wsgi"``: hits run none of Flask; ``"view"``: the application's hooks
        run on each hit; ``"auto"``: as the hooks need it. ``None``: as ``ISR_SERVE`` says.
    :param ignore: names of headers, cookies and query parameters that the page does not
        depend on, though its render reads them: visitors who send them get the stored
        page. ``"Host"`` stands for host and scheme, ``"Remote-Addr"`` for the visitor's
        address, ``"*"`` for everything but the session.
    :param expire_on_write: ``False``: a ``POST`` or the like to the page's own URL leaves
        it as it is, also if ``ISR_EXPIRE_ON_WRITE`` is on. For a form that is answered
        200 when it is sent with mistakes.
    :raises ConfigurationError: (a :exc:`ValueError`) if an argument is wrong.
    """
    if callable(revalidate):
        raise ConfigurationError(
            "@static_page needs parentheses: write @static_page() above the view."
        )
    checked: dict[str, t.Any] = {
        "lifetime": _lifetime(revalidate, expire),
        "paths": _checked_paths(paths, fallback),
        "fallback": fallback,
        "tags": _checked_tag_argument(tags),
        "query": _checked_query(query),
        "serve": _checked_serve(serve),
        "ignore": frozenset(_checked_names("ignore", ignore)),
        "expire_on_write": _checked_switch("expire_on_write", expire_on_write),
    }

    def decorate(view: View) -> View:
        _check_view(view)
        decorated = page_of(view)
        if decorated is not None and decorated[1] is view:
            raise ConfigurationError(f"{view!r} has two @static_page decorators.")
        name = getattr(view, "__name__", repr(view))
        page = StaticPage(name=name, view=view, **checked)

        @functools.wraps(view)
        def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
            return current_extension().view_handler.serve(page, args, kwargs)

        setattr(wrapper, PAGE_ATTRIBUTE, (page, wrapper))
        # On the view too: if the decorator stands above @app.get, Flask holds the view and
        # not the wrapper, and is given the wrapper at the first request.
        with contextlib.suppress(AttributeError):
            setattr(view, PAGE_ATTRIBUTE, (page, wrapper))
        return t.cast(View, wrapper)

    return decorate


def _check_view(view: object) -> None:
    if not callable(view) or isinstance(view, type):
        raise ConfigurationError(
            f"@static_page is above {view!r}, which is no view function. For a class-based"
            " view use decorators = [static_page(...)] in the class."
        )


def page_of(view: t.Any) -> tuple[StaticPage, Callable[..., t.Any]] | None:
    """The declaration of a registered view and its decorated form, if it has one.

    The view below the decorator has it, and so has each decorator above that uses
    ``functools.wraps``.
    """
    found = getattr(view, PAGE_ATTRIBUTE, None)
    if found is None or view is found[0].view:
        return t.cast("tuple[StaticPage, Callable[..., t.Any]] | None", found)
    page, wrapper = found
    step = view
    while step is not None:
        if step is wrapper:
            return page, wrapper
        step = getattr(step, "__wrapped__", None)
    # A wrapper of the view itself is another view, which is not static.
    return None


def checked_tags(tags: Iterable[t.Any], whose: str) -> frozenset[str]:
    """*tags* as the store knows them.

    :raises ConfigurationError: if one is not a string of 1 to 256 characters, or there
        are more than 128.
    """
    names = list(tags)
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= _TAG_LENGTH:
            raise ConfigurationError(
                f"the {whose}: {_shortened(name)} is no tag. A tag is a non-empty string"
                f" of at most {_TAG_LENGTH} characters."
            )
        if not _is_text(name):
            raise ConfigurationError(f"the {whose}: {name!r} is not valid Unicode.")
    check_count(set(names), whose)
    return frozenset(map(user_tag, names))


def check_count(tags: Collection[str], whose: str) -> None:
    """Raise :exc:`.ConfigurationError` if there are more than 128 *tags*."""
    if len(tags) > TAGS_ON_A_PAGE:
        raise ConfigurationError(
            f"the {whose}: {len(tags)} tags are more than {TAGS_ON_A_PAGE}."
        )


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shortened(value: t.Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _lifetime(revalidate: t.Any, expire: t.Any) -> Lifetime:
    stale = None if revalidate is False else seconds("revalidate", revalidate)
    expired = None if expire is None else seconds("expire", expire)
    if stale is not None and expired is not None and expired <= stale:
        raise ConfigurationError(
            f"expire is {expire!r}; it must be greater than revalidate ({revalidate!r})."
        )
    return Lifetime(stale, expired)


def _checked_paths(paths: t.Any, fallback: t.Any) -> Paths | None:
    if fallback is not False and fallback != "blocking":
        raise ConfigurationError(
            f"fallback is {fallback!r}; it must be 'blocking' or False."
        )
    if fallback is False and paths is None:
        raise ConfigurationError(
            "fallback=False serves the pages in paths and no others; paths is missing."
        )
    if paths is None or callable(paths):
        return t.cast("Paths | None", paths)
    if isinstance(paths, str | bytes | Mapping) or not isinstance(paths, Iterable):
        raise ConfigurationError(
            f"paths is {_shortened(paths)}; it must be an iterable of URL values or"
            " paths, or a callable that returns one."
        )
    return tuple(paths)


def _checked_tag_argument(tags: t.Any) -> Tags:
    if callable(tags):
        return t.cast(Tags, tags)
    if isinstance(tags, str | bytes) or not isinstance(tags, Iterable):
        raise ConfigurationError(
            f"tags is {_shortened(tags)}; it must be a list of strings, or a callable that"
            " takes the URL values and returns one."
        )
    names = tuple(tags)
    checked_tags(names, "tags of a static page")
    for name in names:
        try:
            fields = _fields(name)
        except ValueError as error:
            raise ConfigurationError(f"the tag {name!r}: {error}.") from None
        if not all(field.isidentifier() for field in fields):
            raise ConfigurationError(
                f"the tag {name!r}: only names of URL values may stand in braces."
            )
    return names


def _fields(tag: str) -> list[str]:
    return [
        field for _, field, *_ in string.Formatter().parse(tag) if field is not None
    ]


def _checked_query(query: t.Any) -> tuple[str, ...] | Callable[[], Iterable[str]]:
    if callable(query):
        return t.cast("Callable[[], Iterable[str]]", query)
    return _checked_names("query", query)


def _checked_names(argument: str, value: t.Any) -> tuple[str, ...]:
    if isinstance(value, str) and value == ANY:
        return (ANY,)
    names = None if isinstance(value, str | bytes) else value
    if not isinstance(names, Iterable):
        raise ConfigurationError(
            f"{argument} is {_shortened(value)}; it must be a list of names."
        )
    listed = tuple(names)
    if not all(isinstance(name, str) and name for name in listed):
        raise ConfigurationError(f"{argument} is {listed!r}; its items must be names.")
    return tuple(sorted(set(listed)))


def _checked_serve(serve: t.Any) -> Serve | None:
    if serve not in (None, "auto", "wsgi", "view"):
        raise ConfigurationError(
            f"serve is {serve!r}; it must be 'auto', 'wsgi' or 'view'."
        )
    return t.cast("Serve | None", serve)


def _checked_switch(name: str, value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"{name} is {_shortened(value)}; it must be True or False."
        )
    return value
