# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what every task returned as one JSON object per line to the file named by PVE_TEST_RESULTS."""
from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record_results
type: notification
short_description: Record task results for the tests
description: Writes what every task returned as one JSON object per line.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'record_results'
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, entry: dict) -> None:
        with open(os.environ['PVE_TEST_RESULTS'], 'a', encoding='utf-8') as file:
            file.write(json.dumps(entry, default=str) + '\n')

    def _record(self, result, status: str, ignored: bool = False) -> None:
        task = result._task
        self._write({
            'host': result._host.get_name(), 'task': task.get_name().strip(), 'action': task.action,
            'status': status, 'ignored': ignored, 'result': dict(result._result),
        })

    def v2_runner_on_ok(self, result, **kwargs) -> None:
        self._record(result, 'changed' if result._result.get('changed') else 'ok')

    def v2_runner_on_failed(self, result, ignore_errors=False, **kwargs) -> None:
        self._record(result, 'failed', ignored=bool(ignore_errors))

    def v2_runner_on_unreachable(self, result, **kwargs) -> None:
        self._record(result, 'unreachable')

    def v2_runner_on_skipped(self, result, **kwargs) -> None:
        self._record(result, 'skipped')

    def v2_playbook_on_stats(self, stats) -> None:
        self._write({'stats': {host: stats.summarize(host) for host in sorted(stats.processed)}})
