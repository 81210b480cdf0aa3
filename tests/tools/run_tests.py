# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests: all of them on this Python, and with MATRIX=1 those marked `matrix` on a second and `oldest` on the oldest one.

Run by `make test` with the Python of the test environment. Arguments are handed to pytest. The last line printed is
pytest's closing line (the sum of all runs'); it is also left in .build/closing-line.txt.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pythons
from checkout import BUILD, ROOT

CLOSING = re.compile(r'^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s')
PLURAL = {'error': 'errors', 'warning': 'warnings'}
ORDER = ('failed', 'passed', 'skipped', 'deselected', 'xfailed', 'xpassed', 'warnings', 'errors')
NOTHING_COLLECTED = 5


def parse(line: str) -> dict[str, int]:
    """Counts in pytest's closing line: '2 failed, 5 passed in 0.1s' -> {'failed': 2, 'passed': 5}; {} for any other line."""
    match = CLOSING.match(line.strip())
    if not match:
        return {}
    pairs = (part.split() for part in match[1].split(', '))
    return {PLURAL.get(word, word): int(number) for number, word in pairs}


def add_up(runs: list[dict[str, int]], seconds: float) -> str:
    """The closing line for several runs together."""
    words = [f'{total} {word}' for word in ORDER if (total := sum(run.get(word, 0) for run in runs))]
    return f'{", ".join(words) or "no tests ran"} in {seconds:.2f}s'


def pytest(python: str, arguments: list[str]) -> tuple[int, dict[str, int]]:
    """Run pytest, handing its output on as it comes; returns its exit status and its counts."""
    # One more than there are processors: tests wait for the programs that they start.
    workers = os.environ.get('WORKERS') or str((os.cpu_count() or 1) + 1)
    command = [python, '-m', 'pytest', '-n', workers, '--dist', 'worksteal', *arguments]
    counts: dict[str, int] = {}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors='replace') as process:
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            counts = parse(line) or counts
    return process.returncode, counts


def others() -> Iterator[tuple[str, Path]]:
    """(mark, Python) of the other runs of the matrix, as far as this machine has them."""
    for mark, python in (('matrix', pythons.second_environment('bench')), ('oldest', pythons.oldest_environment('test'))):
        if python:
            yield mark, python


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    status, counts = pytest(sys.executable, arguments)
    runs, statuses = [counts], [status]
    for mark, python in others() if os.environ.get('MATRIX') else ():
        print(f'MATRIX: the tests marked {mark} on {python}', flush=True)
        status, counts = pytest(str(python), ['-m', mark, *arguments])
        runs.append({word: number for word, number in counts.items() if word != 'deselected'})
        statuses.append(0 if status == NOTHING_COLLECTED else status)
    line = add_up(runs, time.monotonic() - began)
    (BUILD / 'closing-line.txt').write_text(line + '\n', encoding='utf-8')
    print(line)
    return max(statuses, key=abs)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
