# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from row import row


def test_ratios_and_goal_come_from_the_numbers():
    made = row('read', 's', 3.0, floor=2.0, peer=30.0, goal='ratio_to_floor <= 1.6 and ratio_to_peer <= 0.125')
    assert (made['ratio_to_floor'], made['ratio_to_peer'], made['met']) == (1.5, 0.1, True)
    assert row('read', 's', 4.0, floor=2.0, goal='ratio_to_floor <= 1.6')['met'] is False


def test_a_goal_on_a_number_that_is_missing_is_neither_met_nor_missed():
    assert row('read', 's', 3.0, goal='ratio_to_peer <= 1')['met'] is None


def test_a_goal_of_another_form_is_refused():
    with pytest.raises(ValueError, match='fast'):
        row('read', 's', 3.0, goal='fast')
