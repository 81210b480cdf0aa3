# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks and print one table (make bench).

Usage: python tests/benchmark/run.py [--only NAME] [--json FILE]

NAME is a file of this folder without .py, or a name in such a file's NAMES. The exit status is 1 when a benchmark could
not run, and 0 otherwise, whether the goals are met or not: the table says which are.
"""
from __future__ import annotations

import argparse
import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
HEAD = ('name', 'unit', 'ours', 'floor', 'peer', 'to floor', 'to peer', 'goal', 'met')


def import_paths() -> None:
    """Make the collection, the simulator and the tools importable, as pytest does for the tests."""
    sys.path[:0] = [str(TESTS / 'tools')]
    import checkout
    sys.path[:0] = [str(checkout.link_collection()), str(TESTS / 'helpers'), str(TESTS / 'simulator')]


def benchmarks() -> dict[str, ModuleType]:
    """The files with rows(), by name."""
    names = sorted(file.stem for file in HERE.glob('*.py') if file.stem != 'run')
    modules = {name: importlib.import_module(name) for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, 'rows')}


def chosen(modules: dict[str, ModuleType], only: str | None) -> list[tuple[ModuleType, str | None]]:
    """(benchmark, name of its one row or None for all of them), in order of names."""
    if only is None or only in modules:
        return [(module, None) for name, module in modules.items() if only in (None, name)]
    return [(module, only) for module in modules.values() if only in getattr(module, 'NAMES', ())]


def measure(module: ModuleType, only: str | None) -> Iterator[dict]:
    """Rows of one benchmark; those not asked for are left out."""
    takes_only = 'only' in inspect.signature(module.rows).parameters
    for row in module.rows(only=only) if only and takes_only else module.rows():
        if only in (None, row['name']):
            yield row


def number(value: float | None) -> str:
    """Three digits that matter, or a dash."""
    if value is None:
        return '-'
    return f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'


def cells(row: dict) -> list[str]:
    numbers = (number(row[key]) for key in ('ours', 'floor', 'peer', 'ratio_to_floor', 'ratio_to_peer'))
    return [row['name'], row['unit'], *numbers, row['goal'] or '-', {True: 'yes', False: 'NO', None: '-'}[row['met']]]


def table(rows: list[dict]) -> str:
    """The rows as text in columns."""
    lines = [list(HEAD), *(cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description='Run the benchmarks and print one table.')
    parser.add_argument('--only', metavar='NAME')
    parser.add_argument('--json', metavar='FILE', type=Path)
    options = parser.parse_args(arguments)
    import_paths()
    modules = benchmarks()
    selected = chosen(modules, options.only)
    if options.only and not selected:
        known = [*modules, *(name for module in modules.values() for name in getattr(module, 'NAMES', ()))]
        print(f'No benchmark is named {options.only}; there are: {", ".join(known) or "none"}.', file=sys.stderr)
        return 2
    rows, broken = [], []
    for module, only in selected:
        print(f'{module.__name__} ...', file=sys.stderr, flush=True)
        try:
            rows.extend(measure(module, only))
        except Exception:  # noqa: BLE001  one benchmark that cannot run must not cost the rows of the others
            traceback.print_exc()
            broken.append(module.__name__)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + '\n', encoding='utf-8')
    if broken:
        print(f'Could not run: {", ".join(broken)}.', file=sys.stderr)
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
