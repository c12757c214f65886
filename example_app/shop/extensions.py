"""The extensions of the shop, bound to an application by ``create_app``."""

from __future__ import annotations

from flask_isr import ISR

isr = ISR()
