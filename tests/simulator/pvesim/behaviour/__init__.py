"""Behaviour by area: importing this package registers every handler in its modules."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import each module of this package."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f'{__name__}.{module.name}')
