"""Incremental Static Regeneration for Flask."""

from .api import revalidate_path as revalidate_path
from .api import revalidate_tag as revalidate_tag
from .errors import ConfigurationError as ConfigurationError
from .errors import ISRError as ISRError
from .errors import NotAStaticPage as NotAStaticPage
from .errors import RevalidationError as RevalidationError
from .errors import StoreUnavailable as StoreUnavailable
from .extension import ISR as ISR
from .pages.decorator import static_page as static_page
from .render.additions import cache_life as cache_life
from .render.additions import cache_tag as cache_tag
from .render.context import rendering as rendering

__all__ = [
    "ConfigurationError",
    "ISR",
    "ISRError",
    "NotAStaticPage",
    "RevalidationError",
    "StoreUnavailable",
    "cache_life",
    "cache_tag",
    "rendering",
    "revalidate_path",
    "revalidate_tag",
    "static_page",
]
