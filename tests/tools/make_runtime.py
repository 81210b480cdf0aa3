# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write meta/runtime.yml: every module is in the action group `all` and runs through the in-process action.

Usage: python tests/tools/make_runtime.py [--check]

With --check nothing is written; the exit status is 1 when the file is not what would be written.
"""
from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / 'meta' / 'runtime.yml'
HEAD = """\
---
# Written by tests/tools/make_runtime.py from the modules that exist (make runtime).
requires_ansible: ">=2.17.0"
"""


def modules(root: Path = ROOT) -> list[str]:
    """Names of the modules of the collection, sorted."""
    return sorted(file.stem for file in (root / 'plugins' / 'modules').glob('*.py') if file.stem != '__init__')


def runtime(names: list[str]) -> str:
    """The text of meta/runtime.yml for these modules."""
    if not names:
        return HEAD
    group = ''.join(f'    - {name}\n' for name in names)
    routes = ''.join(f'    {name}:\n      action_plugin: pve.fleet.in_process\n' for name in names)
    return f'{HEAD}action_groups:\n  all:\n{group}plugin_routing:\n  modules:\n{routes}'


def main(arguments: list[str]) -> int:
    text = runtime(modules())
    if TARGET.exists() and TARGET.read_text(encoding='utf-8') == text:
        return 0
    if '--check' in arguments:
        print('meta/runtime.yml does not fit plugins/modules: run `make runtime`.', file=sys.stderr)
        return 1
    TARGET.write_text(text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
