# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run comes to: its result, or its failure as a result."""

from __future__ import annotations

import pathlib
import traceback

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError, Internal


def outcome(context):
    """What the run of a Context returned, or its failure as a result; the same keys in the same order every time. Never raises."""
    try:
        result = dict(context.spec.run(context))
        result.setdefault('changed', False)
    except FleetError as error:
        result = failure(context, error)
    except Exception as error:  # noqa: BLE001 (a failed task with one sentence instead of a traceback)
        result = failure(context, unexpected(context.spec.name, error))
    result['warnings'] = [*result.get('warnings', []), *context.warnings]
    return result


def failure(context, error):
    """A FleetError as the result of a failed task; changes that were done are told."""
    result = {
        'failed': True,
        'changed': bool(context.done) and not context.check_mode,
        'msg': error.message,
        'error': error.as_dict(),
    }
    if context.done:
        result['changes'] = list(context.done)
    return result


def unexpected(name, error):
    """An exception that nobody foresaw, as one sentence with the place in the code but without a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f'{pathlib.PurePath(frames[-1].filename).name}:{frames[-1].lineno}' if frames else 'unknown'
    return Internal(
        f'{name} met something it does not know ({type(error).__name__} at {place}). '
        'This is a fault in the collection: please report it with the task and this line.',
        details={'exception': type(error).__name__, 'at': place},
    )
