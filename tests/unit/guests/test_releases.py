# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the releases is known, and nothing else makes a task ask for the server's."""
from __future__ import annotations

import pytest

from ansible_collections.pve.fleet.plugins.module_utils.guests import releases
from ansible_collections.pve.fleet.plugins.module_utils.guests.desired import Desired
from ansible_collections.pve.fleet.plugins.module_utils.guests.disks import DiskWish
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import KINDS, QEMU
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import Wish
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import property_format

RELEASES = ('7.4', '8.4', '9')


def in_releases(kind):
    """For each release: option -> its schema, without the places of indexed options."""
    found = {release: tables(release).operation('PUT', kind.config_path).parameters for release in RELEASES}
    return {release: {releases.base(name.replace('[n]', '')): schema for name, schema in known.items()} for release, known in found.items()}


@pytest.mark.parametrize('kind', KINDS.values(), ids=KINDS)
def test_options_that_not_all_releases_have_are_known(kind):
    known = in_releases(kind)
    assert releases.OPTIONS[kind.name] == set(known['9']) - (set(known['7.4']) & set(known['8.4']))


@pytest.mark.parametrize('kind', KINDS.values(), ids=KINDS)
def test_settings_that_not_all_releases_have_are_known(kind):
    known = in_releases(kind)
    found = {}
    for option in set.intersection(*(set(known[release]) for release in RELEASES)):
        formats = [property_format(known[release][option]) or {} for release in RELEASES]
        names = {name for one in formats for name in one if len({other[name].get('alias') if name in other else () for other in formats}) > 1}
        if names:
            found[option] = names
    assert releases.SETTINGS[kind.name] == found


@pytest.mark.parametrize(('options', 'config', 'unsure'), [
    ({'usb0': {'usb3': True}}, {}, False),
    ({'usb0': {'mapping': 'stick'}}, {}, True),
    ({'usb0': 'mapping=stick'}, {}, True),
    ({'usb0': {'mapping': 'stick'}}, {'usb0': 'mapping=stick'}, False),
    ({'usb0': {'usb3': True}}, {'usb0': 'mapping=stick'}, False),
    ({'agent': {'enabled': True}}, {'agent': '1'}, False),
    ({'agent': {'enabled': True}}, {'agent': '1,freeze-fs-on-backup=0'}, True),
    ({'machine': 'q35', 'memory': 1024, 'cpu': 'host'}, {}, False),
    ({'virtiofs0': {'dirid': 'x'}}, {}, True),
    ({'scsi0': {'ssd': True}}, {}, False),
    ({'scsi0': {'vendor': 'me'}}, {}, True),
])
def test_the_release_is_asked_for_only_where_it_matters(options, config, unsure):
    desired = Desired(kind=QEMU, state='present')
    for key, value in options.items():
        if QEMU.is_disk(key):
            desired.disks[key] = DiskWish(options=value)
        else:
            desired.wishes[key] = Wish(value)
    assert bool(releases.unsure_keys(desired, config)) is unsure
