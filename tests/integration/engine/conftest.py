# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the modules of objects against a simulator."""
from __future__ import annotations

import pytest
from module_walk import Walk

# How many requests a run with nothing to do may take.
IDLE = 2


@pytest.fixture
def walk(sim, tmp_path) -> Walk:
    return Walk(sim, tmp_path)


@pytest.fixture
def exact(walk):
    """exact(module, **options): check mode, the run, the run again: the first two agree, the last has nothing to do."""

    def run(module, **options):
        predicted, done, again = walk.run(module, options, check=True), walk.run(module, options), walk.run(module, options)
        for result in (predicted, done, again):
            assert not result.get('failed'), result['msg']
            assert result['warnings'] == []
        assert [predicted[key] for key in ('changes', 'diff')] == [done[key] for key in ('changes', 'diff')]
        assert done['changed'] is True
        assert (again['changed'], again['changes']) == (False, [])
        assert again['requests'] <= IDLE, walk.requests()
        return done

    return run
