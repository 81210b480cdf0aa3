# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that is not local as far as Ansible can tell: a shell of this machine with a home of its own."""
from __future__ import annotations

import os
import tempfile

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: elsewhere
short_description: Another machine for the tests
description: Runs commands here, in an environment without any setting of the one who runs the tests.
extends_documentation_fragment: [connection_pipelining]
options: {}
"""


class Connection(Local):
    transport = 'elsewhere'

    def exec_command(self, cmd, in_data=None, sudoable=True):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(('PVE_', 'XDG_'))}
        with tempfile.TemporaryDirectory() as home:
            before = dict(os.environ)
            try:
                os.environ.clear()
                os.environ.update(kept, HOME=home)
                return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
            finally:
                os.environ.clear()
                os.environ.update(before)
