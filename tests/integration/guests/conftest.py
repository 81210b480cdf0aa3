# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests are tried on a pair of simulated nodes with local and shared storage."""
from __future__ import annotations

import pytest
from guest_tasks import Tasks, paired


@pytest.fixture
def pair():
    """A simulator with the nodes pve1 and pve2, storages local (each node's own) and shared, bridge vmbr0."""
    with paired() as simulator:
        yield simulator


@pytest.fixture
def tasks(pair):
    """Tasks of root@pam on the pair."""
    return Tasks(pair)
