# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for error sentences: lists of allowed values and names that are spelled alike."""
from __future__ import annotations

import difflib
from collections.abc import Iterable


def joined(values: Iterable[object], word: str = 'or') -> str:
    """['a', 'b', 'c'] becomes 'a, b or c'."""
    texts = [str(value) for value in values]
    if len(texts) < 2:
        return ''.join(texts)
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}"


def nearest(name: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """At most limit of the names, the most alike first; empty when none is alike."""
    return difflib.get_close_matches(name, list(names), n=limit, cutoff=0.6)


def suggestion(name: str, names: Iterable[str]) -> str:
    """The sentence 'Did you mean x or y?', or '' when no name is alike."""
    found = nearest(name, names)
    return f'Did you mean {joined(found)}?' if found else ''
