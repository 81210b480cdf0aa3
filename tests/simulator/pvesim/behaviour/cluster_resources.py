"""cluster/resources: every guest, node, storage and SDN object of the cluster, as last reported by the nodes."""

from __future__ import annotations

from typing import Any

from ..call import Call, operation
from ..model.cluster import Cluster
from ..model.figures import IDLE
from ..model.guest import Guest
from ..model.ha import shown_state
from ..model.reports import known_since, reports, shown_running
from ..model.storage import space
from ..model.storage_types import TYPES
from ..model.summary import display_name, figures, limits, whole
from .cluster_status import rows_of_nodes


@operation('GET', '/cluster/resources')
def resources(call: Call) -> list[dict]:
    wanted = call.params.get('type')
    told = reports(call.cluster, call.clock)
    rows: list[dict] = []
    if wanted in (None, 'vm'):
        rows += guest_rows(call, told)
    if wanted in (None, 'node'):
        rows += node_rows(call, told)
    if wanted in (None, 'storage'):
        rows += storage_rows(call, told)
    if wanted in (None, 'sdn'):
        rows += zone_rows(call, wanted)
    return rows


def pools_by_guest(cluster: Cluster) -> dict[int, str]:
    return {int(vmid): poolid for poolid, pool in cluster.pools.items() for vmid in pool.get('vms', ())}


def guest_rows(call: Call, told: dict) -> list[dict]:
    pools = pools_by_guest(call.cluster)
    managed = call.cluster.sections.get('ha-resources') or {}
    everything = call.is_root
    rows = []
    for vmid in sorted(call.cluster.guests):
        guest = call.cluster.guests[vmid]
        if everything or call.may(f'/vms/{vmid}', 'VM.Audit'):
            rows.append(guest_row(call.cluster, guest, told.get(guest.node), pools.get(vmid), managed))
    return rows


def guest_row(cluster: Cluster, guest: Guest, report: float | None, pool: str | None = None,
              managed: dict | None = None) -> dict:
    """One guest as `cluster/resources` and the members of a pool show it; report: its node's last, or None."""
    row: dict[str, Any] = {'id': f'{guest.kind}/{guest.vmid}', 'vmid': guest.vmid, 'node': guest.node,
                           'type': guest.kind, 'status': 'unknown'}
    if known_since(guest, report):
        row.update(reported(cluster, guest, report))
    if pool:
        row['pool'] = pool
    if guest.config.get('tags'):
        row['tags'] = guest.config['tags']
    if guest.config.get('lock'):
        row['lock'] = guest.config['lock']
    if managed and (state := shown_state(cluster, guest)):
        row['hastate'] = state
    return row


def reported(cluster: Cluster, guest: Guest, report: float) -> dict:
    most = limits(cluster, guest)
    running = shown_running(guest, report)
    used = figures(cluster, guest, report, most) if running and guest.running else IDLE
    row = {
        'name': display_name(guest), 'status': 'running' if running else 'stopped', 'uptime': used.uptime,
        'maxcpu': whole(most.cpus), 'maxmem': most.memory, 'maxdisk': most.disk, 'cpu': used.cpu, 'mem': used.mem,
        'disk': used.disk if guest.kind == 'lxc' else 0, 'netin': used.netin, 'netout': used.netout,
        'diskread': used.diskread, 'diskwrite': used.diskwrite, 'template': int(bool(guest.config.get('template'))),
    }
    if cluster.release == '9':
        row['memhost'] = used.mem if guest.kind == 'qemu' else 0
    return row


def node_rows(call: Call, told: dict) -> list[dict]:
    return [{**row, 'cgroup-mode': 2} for row in rows_of_nodes(call, told)]


def storage_rows(call: Call, told: dict) -> list[dict]:
    rows = []
    for storeid, config in call.cluster.storages.items():
        if config.get('disable') or not call.may(f'/storage/{storeid}', 'Datastore.Audit'):
            continue
        for node in call.cluster.nodes.values():
            if config.get('nodes') and node.name not in str(config['nodes']).split(','):
                continue
            rows.append(storage_row(call.cluster, node, storeid, config, told[node.name]))
    return rows


def storage_row(cluster: Cluster, node, storeid: str, config: dict, report: float | None) -> dict:
    kind = TYPES.get(config['type'])
    row = {
        'id': f'storage/{node.name}/{storeid}', 'storage': storeid, 'node': node.name, 'type': 'storage',
        'plugintype': config['type'], 'status': 'unknown',
        'shared': int(bool(config.get('shared')) or bool(kind and kind.shared)),
        'content': config.get('content') or (kind.default_content if kind else ''),
    }
    if kind and report is not None and (room := space(cluster, node.name, storeid)).active:
        row.update(status='available', maxdisk=room.total, disk=room.used)
    return row


def zone_rows(call: Call, wanted: str | None) -> list[dict]:
    """SDN zones per node; since release 9 they are of the type 'network', which no `type` asks for."""
    if call.release == '9' and wanted == 'sdn':
        return []
    rows = []
    for zone in ['localnetwork', *(call.cluster.extra.get('sdn_running_zones') or ())]:
        if not call.may(f'/sdn/zones/{zone}', 'SDN.Audit', 'SDN.Use', any=True):
            continue
        rows += [zone_row(call.release, zone, node.name) for node in call.cluster.nodes.values()]
    return rows


def zone_row(release: str, zone: str, node: str) -> dict:
    if release == '9':
        return {'id': f'network/{node}/zone/{zone}', 'type': 'network', 'network-type': 'zone', 'network': zone,
                'node': node, 'status': 'ok'}
    return {'id': f'sdn/{node}/{zone}', 'type': 'sdn', 'sdn': zone, 'node': node, 'status': 'ok'}
