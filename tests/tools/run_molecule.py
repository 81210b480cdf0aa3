# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the molecule scenarios of the roles on simulated clusters.

Usage: python tests/tools/run_molecule.py [SCENARIO ...]      all of them unless some are named

Run by `make molecule` with the Python of the molecule environment.
"""
from __future__ import annotations

import subprocess
import sys

from checkout import BUILD, ROOT, ansible_environment

SCENARIOS = ROOT / 'extensions' / 'molecule'


def main(names: list[str]) -> int:
    """The exit status is 1 when a scenario failed."""
    environment = ansible_environment(BUILD / 'molecule')
    wanted = names or sorted(folder.parent.name for folder in SCENARIOS.glob('*/molecule.yml'))
    failed = []
    for name in wanted:
        command = [sys.executable, '-m', 'molecule', '--base-config', str(SCENARIOS / 'config.yml'), 'test', '-s', name]
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            failed.append(name)
    print(f'{len(wanted) - len(failed)} of {len(wanted)} scenarios passed{": failed " + ", ".join(failed) if failed else ""}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
