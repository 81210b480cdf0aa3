# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking before a guest is moved to another node: what of it would have to stay behind."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import Conflict, Forbidden, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined

CLIPBOARD = 'clipboard=vnc'


def check_move(client, state, target, storages=None):
    """Raise Conflict or NotFound for what keeps a guest on its node. storages: where its local disks shall go, or None. At most one request."""
    CHECKS[state.kind.name](client, state, target, storages)


def check_machine(client, state, target, storages):
    """What the server itself says about it."""
    try:
        answer = client.get(*path(state.kind, state.row, 'migrate'), params={'target': target})
    except Forbidden:
        return
    check_target(state, target, answer.get('not_allowed_nodes') or {}, storages)
    for row in answer.get('local_disks') or ():
        if str(row.get('cdrom')) == '1' and 'cloudinit' not in row['volid']:
            raise stays(state, f'{drives(state, row["volid"])} holds {row["volid"]}',
                        'Eject it with a task of its own (disks: {ide2: {iso: none}}), or put the image on a shared storage.')
    mapped = answer.get('mapped-resources') or ()
    devices = [key for key in answer.get('local_resources') or () if key not in mapped]
    if CLIPBOARD in devices:
        raise stays(state, 'its display has the clipboard of VNC, which cannot move while it runs', 'Stop it first, or declare vga: {clipboard: null}.')
    if devices:
        raise stays(state, f'{joined(sorted(devices), "and")} {"is a device" if len(devices) == 1 else "are devices"} of that node',
                    'Remove it from the guest first, or use a mapping that both nodes have.')
    if state.running:
        check_live(state, answer, mapped)


def check_live(state, answer, mapped):
    """Mapped devices move only with a machine that is stopped, unless their mapping says otherwise."""
    known = answer.get('mapped-resource-info') or {}
    fixed = sorted(key for key in mapped if not (known.get(key) or {}).get('live-migration'))
    if fixed:
        raise stays(state, f'{joined(fixed, "and")} cannot move while it runs', 'Stop it with a task of its own first (state: stopped).')


def check_target(state, target, refused, storages):
    why = refused.get(target) or {}
    lost = [name for name in why.get('unavailable_storages') or () if not storages]
    if lost:
        raise NotFound(
            f'{joined(lost, "and")}, where its disks are, is not on node {target}. Say where they shall go: migration: {{storage: ...}}.',
            details={'storages': lost, 'node': target},
        )
    if why.get('unavailable-resources'):
        raise NotFound(
            f'node {target} has no device for {joined(why["unavailable-resources"], "and")}, which the guest uses. Add it to the mapping.',
            details={'resources': why['unavailable-resources'], 'node': target},
        )


def drives(state, volid):
    keys = [key for key, value in state.config.items() if state.kind.is_disk(key) and volid in str(value)]
    return joined(sorted(keys), 'and') or 'a drive'


def check_container(client, state, target, storages):
    """Paths and devices of the host stay behind, unless the task says that the other node has them, too."""
    for key, value in sorted(state.config.items()):
        volume, *options = str(value).removeprefix('volume=').split(',')
        if state.kind.is_disk(key) and volume.startswith('/') and 'shared=1' not in options:
            raise stays(state, f'{key} is {volume} of that node', f'Remove it first, or set shared: true on {key} where {target} has the same.')


CHECKS = {'qemu': check_machine, 'lxc': check_container}


def stays(state, what, hint):
    return Conflict(f'it cannot leave {state.node}: {what}. {hint}', details={'node': state.node})
