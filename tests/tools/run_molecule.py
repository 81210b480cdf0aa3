# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the molecule scenarios of the roles on simulated clusters, as many at once as there are processors.

Usage: python tests/tools/run_molecule.py [SCENARIO ...]      all of them unless some are named

Run by `make molecule` with the Python of the molecule environment. One scenario alone prints as it runs; of several, only
what a failed one printed is shown. WORKERS limits how many run at once.
"""
from __future__ import annotations

import concurrent.futures
import os
import subprocess
import sys
import time

from checkout import BUILD, ROOT, ansible_environment

SCENARIOS = ROOT / 'extensions' / 'molecule'


def known() -> list[str]:
    return sorted(folder.parent.name for folder in SCENARIOS.glob('*/molecule.yml'))


def run(name: str, shown: bool) -> tuple[bool, float, str]:
    """Whether the scenario passed, its seconds, and what it printed unless that was shown. Each has a home of its own."""
    command = [sys.executable, '-m', 'molecule', '--base-config', str(SCENARIOS / 'config.yml'), 'test', '-s', name]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=ansible_environment(BUILD / 'molecule' / name), stdin=subprocess.DEVNULL, check=False,
        stdout=None if shown else subprocess.PIPE, stderr=None if shown else subprocess.STDOUT, text=True, errors='replace',
    )
    return done.returncode == 0, time.monotonic() - began, done.stdout or ''


def run_all(names: list[str], workers: int) -> list[str]:
    """Run the scenarios side by side and tell how each ended. Returns the names of those that failed."""
    failed = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(run, name, len(names) == 1): name for name in names}
        for done in concurrent.futures.as_completed(running):
            passed, seconds, printed = done.result()
            if not passed:
                failed.append(running[done])
                print(printed)
            print(f'{running[done]}: {"passed" if passed else "FAILED"} after {seconds:.0f} s', flush=True)
    return sorted(failed)


def main(names: list[str]) -> int:
    """The exit status is 1 when a scenario failed, 2 when there is none of that name."""
    unknown = sorted({*names} - {*known()})
    if unknown:
        print(f'There is no scenario {", ".join(unknown)}. There are {", ".join(known())}.', file=sys.stderr)
        return 2
    wanted = names or known()
    failed = run_all(wanted, int(os.environ.get('WORKERS') or os.cpu_count() or 1))
    print(f'{len(wanted) - len(failed)} of {len(wanted)} scenarios passed{": failed " + ", ".join(failed) if failed else ""}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
