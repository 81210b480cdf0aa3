# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request is sent again: pure decisions.

Reads are repeated on faults of the way. Writes only when they provably were not sent, or when PVE says that nothing
was done and that one should try again. A 500 in general is permanent: PVE answers wrong input with it.
"""

from __future__ import annotations

import random

from ansible_collections.pve.fleet.plugins.module_utils.api.answers import GATEWAY, is_try_again

FIRST_DELAY = 0.25
LONGEST_DELAY = 8.0
MOST_ATTEMPTS = 5
# A dead node costs up to 30 s each time; one more try tells a short outage from a dead node.
MOST_ATTEMPTS_DEAD_NODE = 2


def delay_before(attempt, chance=random.random):
    """Seconds to wait before try number `attempt` (the second try is 2): exponential with full jitter."""
    longest = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 2))
    return longest * (0.5 + 0.5 * chance())


def again_after_fault(reads, fault, attempt):
    """Whether to send again after a transport fault. reads: True for GET."""
    if fault.kind in ('certificate', 'fingerprint', 'tls'):
        return False
    return attempt < MOST_ATTEMPTS and (reads or fault.sent is False)


def again_after_answer(reads, status, message, attempt):
    """Whether to send again after an answer that is an error."""
    if status == 595:
        return reads and attempt < MOST_ATTEMPTS_DEAD_NODE
    if status in GATEWAY:
        return reads and attempt < MOST_ATTEMPTS
    return status == 500 and is_try_again(message) and attempt < MOST_ATTEMPTS


def fate_unknown(reads, fault=None, status=None):
    """True when a write may or may not have been carried out: look before sending it again."""
    if reads:
        return False
    if fault is not None:
        return fault.sent is not False
    return status in GATEWAY
