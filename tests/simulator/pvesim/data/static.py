"""Static answers that are kept as JSON beside this file."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@functools.cache
def static(name: str) -> Any:
    """The content of <name>.json; read once."""
    return json.loads((HERE / f'{name}.json').read_text())
