"""Start pvesim in the start state of the recordings and score how alike its answers are.

The scoring is done by the tool that comes with the recordings (`tools/replay` beside their folder).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--part', choices=('single', 'pair'), default='single')
    parser.add_argument('--recordings', type=Path, default=ROOT.parent / 'shared' / 'recordings')
    parser.add_argument('--tool', type=Path, help='the scoring tool (default: ../tools/replay beside the recordings, '
                        'else the one beside the project)')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the rows')
    parser.add_argument('--quiet', action='store_true', help='only the figures, not each difference')
    options = parser.parse_args()
    candidates = [options.tool] if options.tool else [
        options.recordings.parent / 'tools' / 'replay', ROOT.parent / 'shared' / 'tools' / 'replay']
    tool = next((path for path in candidates if path.exists()), None)
    if not (options.recordings / options.part).is_dir():
        print(f'replay: there is no folder {options.recordings / options.part}; name one with --recordings',
              file=sys.stderr)
        return 2
    if tool is None:
        print(f'replay: the scoring tool {candidates[0]} does not exist; name it with --tool', file=sys.stderr)
        return 2
    return play(options, tool)


def recorded_at(options: argparse.Namespace) -> float | None:
    """When the recordings begin, by their first task: schedules answer with the times that follow it."""
    for file in sorted((options.recordings / options.part).glob('[0-9]*.json')):
        if found := re.search(r'UPID:[^:"]+:[0-9A-F]{8}:[0-9A-F]{8,9}:([0-9A-F]{8}):', file.read_text()):
            return float(int(found[1], 16))
    return None


def play(options: argparse.Namespace, tool: Path) -> int:
    from pvesim.fixtures import running

    with running(start_state=options.part, time='fast', begin=recorded_at(options)) as simulator:
        command = [sys.executable, str(tool), '--url', simulator.url, '--recordings', str(options.recordings),
                   '--part', options.part]
        command += ['--json', str(options.json)] if options.json else []
        command += [] if options.quiet else ['--verbose']
        return subprocess.run(command, check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
