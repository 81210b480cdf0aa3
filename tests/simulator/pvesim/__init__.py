"""pvesim: an HTTPS server that behaves like the API of one or more Proxmox VE clusters.

    with pvesim.running(start_state='single') as sim: ...   # see fixtures.running and fixtures.started
"""

from __future__ import annotations

from typing import Any

__version__ = '0.1.0'


def __getattr__(name: str) -> Any:
    if name in ('running', 'started'):
        from . import fixtures

        return getattr(fixtures, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
