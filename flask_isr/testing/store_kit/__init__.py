"""A suite of tests that proves a store: subclass the part that fits, and give it the
fixture ``make_store``.

=============================  =====================================================
:class:`StoreKit`              every store
:class:`SharedStoreKit`        one that several processes share
:class:`OrderedStoreKit`       one that keeps an order, and can list its pages
:class:`OrderedSharedStoreKit`  both
=============================  =====================================================

It needs pytest, as only :mod:`flask_isr.testing.fixtures` does in the package besides.
"""

import pytest

# This comes before the imports: if not, a failure says only that something was false.
pytest.register_assert_rewrite(
    *(f"{__name__}.{name}" for name in ("helpers", "kit", "shared", "ordered"))
)

from .kit import StoreKit  # noqa: E402
from .ordered import OrderedSharedStoreKit  # noqa: E402
from .ordered import OrderedStoreKit  # noqa: E402
from .shared import SharedStoreKit  # noqa: E402

__all__ = [
    "OrderedSharedStoreKit",
    "OrderedStoreKit",
    "SharedStoreKit",
    "StoreKit",
]
