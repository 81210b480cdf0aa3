# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pve_guest_migrate: send a guest to another registered cluster."""

from __future__ import annotations

from ansible_collections.pve.fleet.plugins.module_utils import options
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict, Locked, NotFound
from ansible_collections.pve.fleet.plugins.module_utils.guests.addresses import macs
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import described_config
from ansible_collections.pve.fleet.plugins.module_utils.guests.find import guest_rows, label
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import UNUSED
from ansible_collections.pve.fleet.plugins.module_utils.guests.read import path, read_state
from ansible_collections.pve.fleet.plugins.module_utils.operations import remote_target
from ansible_collections.pve.fleet.plugins.module_utils.operations.guest import (
    existing,
    explaining,
    guest_task,
    left_running,
    locate,
    noun,
    shown_guest,
    unlocked,
    words_of,
)


def selection(params):
    """Both clusters: what a module that runs elsewhere is handed."""
    named = options.effective(params).get('cluster')
    return [name for name in (named, params['target_cluster']) if name]


def as_admin(params):
    """The target: taking a guest in needs rights that only the admin credential has."""
    return [params['target_cluster']]


def run(context):
    """Move one guest, unless it is there already. Raises FleetError with the guest in front."""
    client = context.client
    with explaining(client, words_of(context)):
        return Move(context, client).result()


class Move:
    """One guest on its way from one cluster to another."""

    def __init__(self, context, client):
        self.context, self.client, self.params = context, client, context.params
        self.target_client = remote_target.client_of_target(context, self.params['target_cluster'])
        here, there = client.connection, self.target_client.connection
        if here.name == there.name or (here.cluster_id and here.cluster_id == there.cluster_id):
            raise BadRequest(f'the guest is in cluster {there.name} already: pve_vm and pve_container (node) move it between nodes.')

    def result(self):
        row, arrived = self.look()
        if row is not None and row.get('lock') == 'migrate' and (arrived is None or arrived.get('lock')):
            self.wait_for_other(row)
            row, arrived = self.look()
        if row is None and arrived is None:
            existing(self.client, self.params)
        if arrived is not None and (row is None or self.is_same(row, arrived)):
            return self.unchanged(row, arrived)
        if arrived is not None:
            raise Conflict(
                f'vmid {self.target_vmid(row)} belongs to {label(arrived)} on {arrived["node"]} of cluster '
                f'{self.target_client.connection.name}. Give another target_vmid.',
                details={'vmid': int(arrived['vmid']), 'name': arrived.get('name')},
            )
        return self.moved(row)

    def look(self):
        """The rows of the guest here and in the target, each None where it is not."""
        row = locate(self.client, self.params['vmid'], self.params['name'])
        return row, self.arrived(row)

    def wait_for_other(self, row):
        """Wait for another run that sends the guest just now."""
        try:
            unlocked(self.context, self.client, row)
        except (Locked, NotFound):
            pass  # the source stays locked, or is gone, once the guest has arrived; who looks again sees which

    def target_vmid(self, row):
        return self.params['target_vmid'] or self.params['vmid'] or (int(row['vmid']) if row else None)

    def arrived(self, row):
        """The row in the target that has the guest's id there (or, where no id is known, its name); None for none."""
        vmid = self.target_vmid(row)
        rows = guest_rows(self.target_client)
        if vmid is None:
            return locate(self.target_client, None, self.params['name'], rows)
        return locate(self.target_client, vmid, self.params['name'] if row is None else None, rows)

    def is_same(self, row, arrived):
        """Whether a guest here and one there are the same: by their UUID, or by their hardware addresses."""
        if row['type'] != arrived['type']:
            return False
        here = read_state(self.client, row['type'], {**row, 'status': 'asked'}).config
        there = read_state(self.target_client, arrived['type'], {**arrived, 'status': 'asked'}).config
        if here.get('smbios1') and there.get('smbios1'):
            return uuid_of(here) == uuid_of(there)
        return bool(macs(row['type'], here)) and macs(row['type'], here) == macs(row['type'], there)

    def unchanged(self, row, arrived):
        if row is not None:
            self.context.warn(
                f'{noun(row)} is in cluster {self.target_client.connection.name} already, and its source is still in '
                f'{self.context.cluster_name} ({row.get("status")}). Remove it there when it is no longer needed (state: absent).'
            )
        return self.answer([], {'before': {}, 'after': {}}, arrived, [])

    def moved(self, row):
        row = unlocked(self.context, self.client, row)
        state = read_state(self.client, row['type'], row, power=True)
        self.check_source(row, state)
        vmid = self.target_vmid(row)
        target = remote_target.read_target(self.target_client, self.params['target_host'])
        remote_target.check_rights(target, vmid)
        storages = remote_target.mapping('target_storage', self.params['target_storage'], storages_of(state))
        bridges = remote_target.mapping('target_bridge', self.params['target_bridge'], bridges_of(state))
        remote_target.check_storages(target, row['type'], storages)
        remote_target.check_bridges(target, bridges)
        words, diff = self.words(row, target, vmid), self.diff(row, target, vmid, storages, bridges)
        if self.context.check_mode:
            return self.answer([words], diff, row, [], here=True)
        done = guest_task(
            self.context, self.client, row, 'migrate', 'POST', 'remote_migrate',
            params=self.sent(row, state, target, vmid, storages, bridges), wait=self.params['wait'],
        )  # fmt: skip
        self.context.did(words)
        self.note(row, target, vmid, diff)
        upids = [done.upid] if done else []
        if not self.params['wait']:
            return {**self.answer(list(self.context.done), diff, row, upids, here=True), **left_running(self.context, upids)}
        return self.answer(list(self.context.done), diff, locate(self.target_client, vmid), upids)

    def check_source(self, row, state):
        """Raise Conflict for what PVE would refuse, before anything is sent."""
        if row.get('hastate'):
            raise Conflict('it is managed by HA, and such guests cannot leave their cluster. Take it out of HA first (ha: {state: absent}).')
        if state.running and row['type'] == 'lxc' and not self.params['restart']:
            raise Conflict('it is running, and containers cannot move while they run. Stop it, or set restart: true.')
        if state.running and row['type'] == 'qemu' and not self.params['online']:
            raise Conflict('it is running and online is false. Stop it first, or set online: true.')
        passed = [key for key, value in state.config.items() if is_passed_through(key, str(value))]
        if passed:
            raise Conflict(f'it uses devices of its node ({", ".join(sorted(passed))}), which stay behind. Remove them first.')
        listed = self.client.get(*path(row['type'], row, 'snapshot'))
        names = [one['name'] for one in listed if one['name'] != 'current']
        if names:
            raise Conflict(
                f'it has snapshots ({", ".join(names)}), and those cannot be sent to another cluster. '
                'Remove them first (pve_snapshot with keep: 0).'
            )

    def words(self, row, target, vmid):
        there = f'{target.name} as {vmid}' if vmid != int(row['vmid']) else target.name
        return f'migrate {label(row)} from {self.context.cluster_name} to {there}' + (
            ' and delete it here' if self.params['delete_source'] else '')  # fmt: skip

    def diff(self, row, target, vmid, storages, bridges):
        return {
            'before': {'cluster': self.context.cluster_name, 'vmid': int(row['vmid'])},
            'after': {
                'cluster': target.name,
                'vmid': vmid,
                'storages': storages,
                'bridges': bridges,
                'source': 'absent' if self.params['delete_source'] else 'stopped',
            },
        }

    def sent(self, row, state, target, vmid, storages, bridges):
        """The options of the request. The endpoint holds a secret; nothing of this is shown."""
        endpoint = target.endpoint()
        self.context.secret(endpoint)
        running = {'online': True} if row['type'] == 'qemu' else {'restart': True}
        return {
            'target-endpoint': endpoint,
            'target-vmid': vmid,
            'target-storage': pairs(storages) or self.fallback('target_storage', storages),
            'target-bridge': pairs(bridges) or '1',
            'delete': True if self.params['delete_source'] else None,
            'bwlimit': self.params['bwlimit'],
            **(running if state.running else {}),
        }

    def fallback(self, option, wanted):
        """A guest without volumes still needs the option: the name that was given, or any."""
        given = self.params[option]
        return given if isinstance(given, str) and given else 'local'

    def note(self, row, target, vmid, diff):
        """Both clusters were changed: a record for each in the audit log."""
        for client, number in ((self.client, int(row['vmid'])), (target.client, vmid)):
            if client.connection.cluster_id:
                self.context.audit.append({
                    'cluster': client.connection.name, 'cluster_id': client.connection.cluster_id, 'action': 'migrate',
                    'object': f'guest {number}', 'before': diff['before'], 'after': diff['after'],
                    'changes': list(self.context.done), 'outcome': 'ok',
                })  # fmt: skip

    def answer(self, changes, diff, row, upids, here=False):
        """The result. here: the guest is still in its own cluster, as in check mode."""
        name = self.context.cluster_name if here else self.target_client.connection.name
        guest = shown_guest(row, name) if row else None
        return {'changed': bool(changes), 'changes': changes, 'diff': diff, 'guest': guest, 'upids': upids}


def pairs(wanted):
    return ','.join(f'{source}:{goal}' for source, goal in sorted(wanted.items()))


def uuid_of(config):
    """The UUID in smbios1, which a guest keeps wherever it goes."""
    return next((part for part in str(config['smbios1']).split(',') if part.startswith('uuid=')), '')


def storages_of(state):
    """The storages of the volumes that go along, sorted; images of CDs stay."""
    found = set()
    for key, value in state.config.items():
        volume = str(value).partition(',')[0].rpartition('=')[2]
        if not (state.kind.is_disk(key) or UNUSED.fullmatch(key)) or ':' not in volume or volume.startswith('/'):
            continue
        if 'media=cdrom' not in str(value) or 'cloudinit' in volume:
            found.add(volume.partition(':')[0])
    return sorted(found)


def bridges_of(state):
    """The bridges that a guest's networks are joined to, sorted."""
    found = described_config(state.kind, {key: state.config[key] for key in state.config if state.kind.is_network(key)})
    networks = found.get('networks', {}).values()
    return sorted({net['bridge'] for net in networks if isinstance(net, dict) and net.get('bridge')})


def is_passed_through(key, value):
    """Whether an option is a device of the node itself."""
    stem = key.rstrip('0123456789')
    if stem == 'hostpci':
        return 'mapping=' not in value
    if stem == 'usb':
        return 'host=' in value or value[:1].isdigit()
    if stem == 'mp':
        return value.startswith('/')
    return stem in ('serial', 'parallel') and value.startswith('/dev/')
