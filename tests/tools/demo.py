# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks/demo.yml from the checkout with a registry of its own under .build/demo.

Run by `make demo` with the Python of the demo environment. Arguments are handed to ansible-playbook.
"""
from __future__ import annotations

import os
import shutil
import sys

from checkout import BUILD, ROOT, ansible_environment

HOME = BUILD / 'demo'


def main(arguments: list[str]) -> int:
    shutil.rmtree(HOME, ignore_errors=True)
    environment = ansible_environment(HOME, PVE_FLEET_DEMO=str(HOME / 'demo'), ANSIBLE_DISPLAY_SKIPPED_HOSTS='false')
    if sys.stdout.isatty() and 'NO_COLOR' not in os.environ:
        environment['ANSIBLE_FORCE_COLOR'] = 'true'
    command = [sys.executable, '-m', 'ansible', 'playbook', 'pve.fleet.demo', *arguments]
    os.chdir(ROOT)
    os.execve(sys.executable, command, environment)
    return 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
