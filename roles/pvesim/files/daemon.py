# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start pvesim in the background and stop it again.

Usage: daemon.py start FOLDER SIMULATOR [OPTION ...]    daemon.py stop FOLDER

FOLDER keeps pvesim.json (pid, clusters with their URLs, ca) and pvesim.log. SIMULATOR is the folder that holds the
package pvesim. The last line of output is JSON: what pvesim.json holds, and whether anything was changed.
"""
from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 10


def running(pid: int) -> bool:
    """Is that process a pvesim? Where /proc does not tell, any process of that number counts."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    try:
        state = Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()[0]
        return state != 'Z' and b'pvesim' in Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return not Path('/proc/self').exists()


def known(folder: Path) -> dict | None:
    """What pvesim.json says, when that server still runs."""
    try:
        found = json.loads((folder / 'pvesim.json').read_text(encoding='utf-8'))
        return found if running(found['pid']) else None
    except (OSError, ValueError, KeyError):
        return None


def start(folder: Path, simulator: str, options: list[str]) -> dict:
    """Start a server unless one runs. Raises RuntimeError with a sentence."""
    found = known(folder)
    if found:
        return {**found, 'changed': False}
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, '-m', 'pvesim', '--json', *options]
    with open(folder / 'pvesim.log', 'w', encoding='utf-8') as log:
        server = subprocess.Popen(
            command, env={**os.environ, 'PYTHONPATH': simulator}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            start_new_session=True, text=True,
        )
    ready = select.select([server.stdout], [], [], START_SECONDS)[0]
    line = server.stdout.readline() if ready else ''
    if not line:
        server.kill()
        raise RuntimeError(f'pvesim did not start: {(folder / "pvesim.log").read_text(encoding="utf-8").strip()[-2000:] or "it said nothing."}')
    found = {'pid': server.pid, **json.loads(line)}
    (folder / 'pvesim.json').write_text(json.dumps(found), encoding='utf-8')
    return {**found, 'changed': True}


def stop(folder: Path) -> dict:
    """End the server and wait until it is gone."""
    found = known(folder)
    if found:
        os.kill(found['pid'], signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while running(found['pid']):
            if time.monotonic() > end:
                os.kill(found['pid'], signal.SIGKILL)
            time.sleep(0.05)
    (folder / 'pvesim.json').unlink(missing_ok=True)
    return {'changed': bool(found)}


def main(arguments: list[str]) -> int:
    try:
        if arguments[0] == 'start':
            done = start(Path(arguments[1]), arguments[2], arguments[3:])
        else:
            done = stop(Path(arguments[1]))
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    sys.stdout.write(f'{json.dumps(done)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
