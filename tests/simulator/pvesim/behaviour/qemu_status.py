"""Lists of VMs, their status, and their history."""

from __future__ import annotations

from typing import Any

from ..call import ApiError, Call, operation
from ..model import figures, ha
from ..model.cluster import Cluster
from ..model.guest import Guest
from ..model.series import guest_series
from ..model.summary import figures_name
from .qemu_common import QEMU_VERSIONS, load, present, site_of
from .qemu_drive import boot_disk_size, drives_of, is_cdrom
from .qemu_net import nets_of
from .qemu_options import agent_enabled, guest_name, memory_mib, properties_of

LIST = '/nodes/{node}/qemu'
VM = '/nodes/{node}/qemu/{vmid}'
MIB = 1 << 20
SERIAL = frozenset(('serial0', 'serial1', 'serial2', 'serial3'))
PRESSURES = tuple(f'pressure{what}{share}' for what in ('cpu', 'io', 'memory') for share in ('some', 'full'))
ENTRIES = [
    'config', 'cloudinit', 'pending', 'status', 'unlink', 'vncproxy', 'termproxy', 'migrate', 'resize', 'move', 'rrd',
    'rrddata', 'monitor', 'agent', 'snapshot', 'spiceproxy', 'sendkey', 'firewall', 'mtunnel', 'remote_migrate',
]
ACTIONS = ('current', 'start', 'stop', 'reset', 'shutdown', 'suspend', 'reboot')
SUPPORT = {
    'pbs-library-version': '1.5.2 (6b4ab1a1a1d5d9e3b0a3d2d6d5c4b3a29f1e0d8c)', 'pbs-dirty-bitmap': True,
    'pbs-masterkey': True, 'query-bitmap-info': True, 'backup-max-workers': True, 'backup-fleecing': True,
    'pbs-dirty-bitmap-migration': True, 'pbs-dirty-bitmap-savevm': True,
}


def pid_of(guest: Guest) -> int:
    """The process id of a running VM: another with each start."""
    return 1000 + (int(guest.started_at) * 7 + guest.vmid * 13) % 4_000_000


def cores_of(cluster: Cluster, guest: Guest) -> int:
    config = guest.config
    cores = int(config.get('sockets') or 1) * int(config.get('cores') or 1)
    return int(config['vcpus']) if config.get('vcpus') else min(cores, cluster.nodes[guest.node].cpus)


def vmstatus(cluster: Cluster, guest: Guest, now: float, full: bool = False) -> dict[str, Any]:
    """The status of a VM as the lists show it; full=True adds what the running process itself is asked for."""
    config, recent = guest.config, cluster.release == '9'
    maxmem = memory_mib(config.get('memory')) * MIB
    status: dict[str, Any] = {
        'vmid': guest.vmid, 'name': guest_name(guest), 'status': 'running' if guest.running else 'stopped', 'cpu': 0,
        'cpus': cores_of(cluster, guest), 'mem': 0, 'maxmem': maxmem, 'disk': 0, 'maxdisk': boot_disk_size(config),
        'uptime': 0, 'netin': 0, 'netout': 0,
    }
    status.update({'memhost': 0} if recent else {'diskread': 0, 'diskwrite': 0})
    if config.get('balloon'):
        status['balloon_min'] = int(config['balloon']) * MIB
        status['shares'] = int(config.get('shares', 1000))
    if config.get('template'):
        status['template'] = 1
    if SERIAL & config.keys():
        status['serial'] = 1
    status.update({key: config[key] for key in ('lock', 'tags') if key in config})
    if guest.running:
        add_running(cluster, guest, status, now, recent)
    if full:
        status['qmpstatus'] = guest.qmpstatus
        if guest.running:
            add_process(cluster, guest, status, now)
    return status


def usage(cluster: Cluster, guest: Guest, now: float, status: dict) -> figures.Figures:
    name = figures_name(cluster, guest)
    return figures.of_guest(name, guest.started_at, now, status['maxmem'], status['maxdisk'])


def add_running(cluster: Cluster, guest: Guest, status: dict, now: float, recent: bool) -> None:
    used = usage(cluster, guest, now, status)
    status.update(pid=pid_of(guest), uptime=used.uptime, cpu=used.cpu, mem=used.mem)
    if any(key.startswith('net') and key[3:].isdigit() for key in guest.config):
        status.update(netin=used.netin, netout=used.netout)
    if recent:
        status.update(dict.fromkeys(PRESSURES, 0), memhost=used.mem + 40 * MIB)


def add_process(cluster: Cluster, guest: Guest, status: dict, now: float) -> None:
    """What QEMU answers: traffic per card, block statistics, balloon, versions."""
    nets = nets_of(guest.config)
    if nets:
        share = len(nets)
        shared = {name: status[name] // share for name in ('netin', 'netout')}
        status['nics'] = {f'tap{guest.vmid}i{number}': dict(shared) for number, _net in nets}
    if cluster.nodes[guest.node].extra.get('container'):
        return  # the recorded server: its QEMU is not PVE's and answers none of this
    used = usage(cluster, guest, now, status)
    status.update(diskread=used.diskread, diskwrite=used.diskwrite, balloon=status['maxmem'],
                  freemem=status['maxmem'] - used.mem, **{
                      'running-machine': running_machine(cluster, guest), 'proxmox-support': SUPPORT,
                      'running-qemu': QEMU_VERSIONS[cluster.release]})
    status['blockstat'] = {name: block_statistics(used) for name, drive in drives_of(guest.config)
                           if not is_cdrom(drive) and name not in ('efidisk0', 'tpmstate0')}
    status['ballooninfo'] = {
        'actual': status['maxmem'], 'max_mem': status['maxmem'], 'total_mem': status['maxmem'],
        'free_mem': status['freemem'], 'mem_swapped_in': 0, 'mem_swapped_out': 0, 'major_page_faults': 0,
        'minor_page_faults': 0, 'last_update': int(now),
    }


def block_statistics(used: figures.Figures) -> dict:
    return {
        'rd_bytes': used.diskread, 'wr_bytes': used.diskwrite, 'rd_operations': used.diskread // 16384,
        'wr_operations': used.diskwrite // 8192, 'flush_operations': used.diskwrite // 65536, 'rd_merged': 0,
        'wr_merged': 0, 'failed_rd_operations': 0, 'failed_wr_operations': 0, 'failed_flush_operations': 0,
        'rd_total_time_ns': used.diskread * 20, 'wr_total_time_ns': used.diskwrite * 30,
        'flush_total_time_ns': used.diskwrite, 'wr_highest_offset': used.disk, 'account_invalid': True,
        'account_failed': True, 'timed_stats': [], 'idle_time_ns': 10**9,
    }


def running_machine(cluster: Cluster, guest: Guest) -> str:
    wanted = properties_of(str((guest.running_config or guest.config).get('machine', 'pc')), 'type').get('type', 'pc')
    version = '.'.join(QEMU_VERSIONS[cluster.release].split('.')[:2])
    if wanted in ('pc', '', ' '):
        return f'pc-i440fx-{version}+pve0'
    return f'pc-q35-{version}+pve0' if wanted == 'q35' else wanted


@operation('GET', LIST)
def index(call: Call) -> list:
    now, full = call.clock.now(), bool(call.params.get('full'))
    return [
        vmstatus(call.cluster, guest, now, full) for guest in call.cluster.guests.values()
        if guest.kind == 'qemu' and guest.node == call.node.name and call.may(f'/vms/{guest.vmid}', 'VM.Audit')
    ]


@operation('GET', VM)
def entries(call: Call) -> list:
    return [{'subdir': name} for name in ENTRIES]


@operation('GET', f'{VM}/status')
def actions(call: Call) -> list:
    load(site_of(call), call.params['vmid'])
    return [{'subdir': name} for name in ACTIONS]


@operation('GET', f'{VM}/status/current')
def current(call: Call) -> dict:
    guest = load(site_of(call), call.params['vmid'])
    status = vmstatus(call.cluster, guest, call.clock.now(), full=True)
    status['ha'] = ha_status(call.cluster, guest)
    if guest.config.get('vga'):
        vga = properties_of(guest.config['vga'], 'type')
        kind = vga.get('type', '')
        if kind.startswith(('virtio', 'qxl')):
            status['spice'] = 1
        status['clipboard'] = vga.get('clipboard')
    if agent_enabled(guest.config):
        status['agent'] = 1
    return status


def ha_status(cluster: Cluster, guest: Guest) -> dict:
    entry = ha.resource(cluster, guest)
    if entry is None:
        return {'managed': 0}
    status = {'managed': 1, 'state': ha.shown_state(cluster, guest)}
    status.update({key: entry[key] for key in ('group',) if entry.get(key)})
    return status


@operation('GET', f'{VM}/rrddata')
def history(call: Call) -> list:
    """Samples of the chosen time frame; those from before the VM's creation have the time alone."""
    guest = present(site_of(call), call.params['vmid'])
    if guest is None:
        folder = 'pve-vm-9.0' if call.release == '9' else 'pve2-vm'
        name = f'/var/lib/rrdcached/db/{folder}/{call.params["vmid"]}'
        raise ApiError('RRD error: rrdcached@unix:/var/run/rrdcached.sock: rrd_fetch_r failed: opening '
                       f"'{name}': No such file or directory")
    return guest_series(call.params['timeframe'], call.clock.now(), call.release,
                        lambda moment: sample(call.cluster, guest, moment))


def sample(cluster: Cluster, guest: Guest, moment: float) -> dict | None:
    if moment < guest.created_at:
        return None
    status = vmstatus(cluster, guest, moment)
    row = {'maxcpu': status['cpus'], 'maxmem': status['maxmem'], 'maxdisk': status['maxdisk']}
    on = guest.running and moment >= guest.started_at
    keys = ['cpu', 'mem', 'netin', 'netout']
    keys += ['memhost', *PRESSURES] if cluster.release == '9' else []
    row.update({key: float(status.get(key, 0)) if on else 0 for key in keys}, disk=0)
    used = usage(cluster, guest, moment, status) if on else figures.IDLE
    row.update(diskread=used.diskread, diskwrite=used.diskwrite)
    return row


@operation('GET', f'{VM}/rrd')
def graph(call: Call) -> dict:
    """The file that a graph would be in; the simulator draws none."""
    load(site_of(call), call.params['vmid'])
    name = f'pve2-vm_{call.params["vmid"]}_{call.params["timeframe"]}_{call.params.get("cf", "AVERAGE")}.png'
    return {'filename': f'/var/www/rrd/{name}', 'image': ''}
