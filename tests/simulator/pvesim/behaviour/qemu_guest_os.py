"""The operating system inside a VM, as its agent tells of it: made up from the configuration, always the same way."""

from __future__ import annotations

import ipaddress
import zlib
from typing import Any

from ..model.cluster import Cluster
from ..model.guest import Guest
from .qemu_drive import drives_of, is_cdrom
from .qemu_net import nets_of
from .qemu_options import guest_name, memory_mib, properties_of

KERNEL = '6.12.48+deb13-amd64'
COMMANDS = (
    'network-get-route', 'get-load', 'get-cpustats', 'get-diskstats', 'ssh-remove-authorized-keys',
    'ssh-add-authorized-keys', 'ssh-get-authorized-keys', 'get-osinfo', 'get-timezone', 'get-users',
    'get-host-name', 'exec', 'exec-status', 'get-memory-block-info', 'set-memory-blocks', 'get-memory-blocks',
    'set-user-password', 'get-fsinfo', 'get-disks', 'set-vcpus', 'get-vcpus', 'network-get-interfaces',
    'suspend-hybrid', 'suspend-ram', 'suspend-disk', 'fstrim', 'fsfreeze-thaw', 'fsfreeze-freeze-list',
    'fsfreeze-freeze', 'fsfreeze-status', 'file-flush', 'file-seek', 'file-write', 'file-read', 'file-close',
    'file-open', 'shutdown', 'info', 'set-time', 'get-time', 'ping', 'sync', 'sync-delimited',
)
SILENT = ('suspend-hybrid', 'suspend-ram', 'suspend-disk', 'shutdown')
FOLDERS = ('', '/etc', '/home', '/opt', '/root', '/srv', '/tmp', '/usr', '/usr/local/bin', '/var', '/var/lib', '/var/log',
           '/var/tmp')
NO_STATISTICS = ('rx-bytes', 'rx-packets', 'rx-errs', 'rx-dropped', 'tx-bytes', 'tx-packets', 'tx-errs', 'tx-dropped')


def is_windows(guest: Guest) -> bool:
    return str(guest.config.get('ostype', '')).startswith('w')


def host_name(guest: Guest) -> str:
    own = (guest.agent or {}).get('hostname')
    return own or guest_name(guest).split('.')[0].replace(' ', '').lower()


def number_of(guest: Guest, what: str) -> int:
    """A number that belongs to this guest."""
    uuid = str(guest.config.get('smbios1', guest.vmid))
    return zlib.crc32(f'{uuid}:{guest.vmid}:{what}'.encode())


def link_local(mac: str) -> str:
    """fe80::/64 address that a card of that hardware address gives itself."""
    parts = [int(part, 16) for part in mac.split(':')]
    parts[0] ^= 2
    words = [parts[0] << 8 | parts[1], parts[2] << 8 | 0xFF, 0xFE00 | parts[3], parts[4] << 8 | parts[5]]
    return str(ipaddress.IPv6Address((0xFE80 << 112) | sum(word << 16 * (3 - place) for place, word in enumerate(words))))


def leased(cluster: Cluster, guest: Guest, net: dict) -> str:
    """The address that a DHCP server gives to a card: 10.<cluster>.<VLAN>.x."""
    number = zlib.crc32(net.get('macaddr', '').upper().encode())
    first = zlib.crc32(cluster.name.encode()) % 200
    second = int(net.get('tag') or 0) % 250
    return f'10.{first}.{second}.{10 + number % 240}/24'


def addresses(cluster: Cluster, guest: Guest, number: int, net: dict) -> list[str]:
    """The addresses of a card with their prefix lengths."""
    config = properties_of(str(guest.config.get(f'ipconfig{number}', '')), 'ip')
    found = []
    wanted = config.get('ip') or 'dhcp'
    if net.get('bridge') and str(net.get('link_down', '0')) != '1':
        found.append(leased(cluster, guest, net) if wanted in ('dhcp', '') else wanted)
        if config.get('ip6') not in (None, '', 'auto', 'dhcp'):
            found.append(config['ip6'])
    if net.get('macaddr'):
        found.append(f'{link_local(net["macaddr"])}/64')
    return found


def shown_address(text: str) -> dict:
    interface = ipaddress.ip_interface(text)
    return {'ip-address': str(interface.ip), 'prefix': interface.network.prefixlen,
            'ip-address-type': f'ipv{interface.version}'}


def interface(name: str, mac: str, found: list[str], traffic: int = 0) -> dict:
    statistics = dict.fromkeys(NO_STATISTICS, 0)
    if traffic:
        statistics.update({'rx-bytes': traffic, 'rx-packets': traffic // 900, 'tx-bytes': traffic // 2,
                           'tx-packets': traffic // 1500})
    return {'name': name, 'hardware-address': mac, 'statistics': statistics,
            'ip-addresses': [shown_address(text) for text in found]}


def interfaces(cluster: Cluster, guest: Guest, now: float) -> list:
    own = (guest.agent or {}).get('interfaces')
    if own is not None:
        return own
    rows = [interface('lo', '00:00:00:00:00:00', ['127.0.0.1/8', '::1/128'])]
    if is_windows(guest):
        rows = [interface('Loopback Pseudo-Interface 1', '00:00:00:00:00:00', ['::1/128', '127.0.0.1/8'])]
    named_by_cloudinit = any(key.startswith('ipconfig') for key in guest.config)
    for number, net in nets_of(guest.config):
        name = f'eth{number}' if named_by_cloudinit else f'ens{18 + number}'
        if is_windows(guest):
            name = 'Ethernet' if number == 0 else f'Ethernet {number + 1}'
        traffic = int(max(0.0, now - guest.started_at)) * (200 + number_of(guest, name) % 5000)
        rows.append(interface(name, net.get('macaddr', '').lower(), addresses(cluster, guest, number, net), traffic))
    return rows


def os_info(cluster: Cluster, guest: Guest, now: float) -> dict:
    if is_windows(guest):
        return {'id': 'mswindows', 'name': 'Microsoft Windows', 'pretty-name': 'Windows Server 2025 Standard',
                'version': 'Microsoft Windows Server 2025', 'version-id': '2025', 'kernel-release': '26100',
                'kernel-version': '10.0', 'machine': 'x86_64', 'variant': 'server', 'variant-id': 'server'}
    return {'id': 'debian', 'name': 'Debian GNU/Linux', 'pretty-name': 'Debian GNU/Linux 13 (trixie)',
            'version': '13 (trixie)', 'version-id': '13', 'kernel-release': KERNEL, 'machine': 'x86_64',
            'kernel-version': '#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)'}


def file_systems(guest: Guest) -> list:
    rows = []
    for name, drive in drives_of(guest.config):
        if is_cdrom(drive) or name in ('efidisk0', 'tpmstate0') or not drive.get('size'):
            continue
        letter = chr(ord('a') + len(rows))
        size = int(drive['size'])
        device = f'/dev/sd{letter}1'
        rows.append({
            'name': f'sd{letter}1', 'mountpoint': '/' if not rows else f'/srv/disk{len(rows)}', 'type': 'ext4',
            'total-bytes': int(size * 0.94), 'total-bytes-privileged': int(size * 0.98),
            'used-bytes': int(size * (0.1 + number_of(guest, name) % 50 / 100)),
            'disk': [{'dev': device, 'bus-type': 'scsi', 'bus': 0, 'unit': 0, 'target': len(rows),
                      'serial': f'0QEMU_QEMU_HARDDISK_drive-{name}',
                      'pci-controller': {'domain': 0, 'bus': 1, 'slot': 1, 'function': 0}}],
        })
    return rows


def cores_of(guest: Guest) -> int:
    config = guest.running_config or guest.config
    return int(config.get('vcpus') or int(config.get('sockets') or 1) * int(config.get('cores') or 1))


def vcpus(cluster: Cluster, guest: Guest, now: float) -> list:
    return [{'logical-id': number, 'online': True, 'can-offline': number > 0} for number in range(cores_of(guest))]


def memory_blocks(cluster: Cluster, guest: Guest, now: float) -> list:
    count = memory_mib((guest.running_config or guest.config).get('memory')) // 128
    return [{'phys-index': number, 'online': True, 'can-offline': False} for number in range(count)]


def information(cluster: Cluster, guest: Guest, now: float) -> dict:
    commands = [{'name': f'guest-{name}', 'enabled': True, 'success-response': name not in SILENT} for name in COMMANDS]
    return {'version': '10.0.3', 'supported_commands': commands}


def users_of(guest: Guest) -> list[str]:
    own = (guest.agent or {}).get('users')
    return own if own is not None else ['root', str(guest.config.get('ciuser') or 'debian')]


QUERIES: dict[str, Any] = {
    'ping': lambda cluster, guest, now: {},
    'info': information,
    'network-get-interfaces': interfaces,
    'get-osinfo': os_info,
    'get-host-name': lambda cluster, guest, now: {'host-name': host_name(guest)},
    'get-fsinfo': lambda cluster, guest, now: file_systems(guest),
    'get-time': lambda cluster, guest, now: int(now * 1e9),
    'get-timezone': lambda cluster, guest, now: {'zone': 'UTC', 'offset': 0},
    'get-users': lambda cluster, guest, now: [],
    'get-vcpus': vcpus,
    'get-memory-blocks': memory_blocks,
    'get-memory-block-info': lambda cluster, guest, now: {'size': 134217728},
    'fstrim': lambda cluster, guest, now: {'paths': [
        {'path': row['mountpoint'], 'trimmed': 0, 'minimum': 0} for row in file_systems(guest)]},
}


def files_of(guest: Guest) -> dict[str, str]:
    """The files that can be read, by path."""
    made_up = {
        '/etc/hostname': f'{host_name(guest)}\n', '/etc/machine-id': f'{number_of(guest, "machine"):032x}\n',
        '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\n'
                           'VERSION="13 (trixie)"\nVERSION_CODENAME=trixie\nID=debian\n',
        '/etc/hosts': f'127.0.0.1 localhost\n127.0.1.1 {host_name(guest)}\n', '/etc/debian_version': '13.1\n',
    }
    return {**made_up, **(guest.agent or {}).get('files', {})}


def folders_of(guest: Guest) -> set[str]:
    """The folders that a file may be written to."""
    homes = {f'/home/{name}' for name in users_of(guest)}
    return {*FOLDERS, *homes, *(path.rsplit('/', 1)[0] for path in files_of(guest))}


def execute(cluster: Cluster, guest: Guest, words: list[str], given: str | None) -> dict | None:
    """{exitcode, out, err} of a command; None where there is no such program.

    Guest.agent['exec'] names further programs: {'/usr/bin/tool': {'exitcode': 0, 'out': '...'}}.
    """
    own = (guest.agent or {}).get('exec', {})
    for key in (' '.join(words), words[0]):
        if key in own:
            return dict(own[key])
    program = words[0].rsplit('/', 1)[-1]
    if program in ('sh', 'bash', 'powershell.exe', 'cmd.exe'):
        return shell(cluster, guest, words, given)
    return simple(guest, program, words[1:], given)


def shell(cluster: Cluster, guest: Guest, words: list[str], given: str | None) -> dict:
    """sh -c 'command' runs the command where it is one of those known; anything else just succeeds."""
    if len(words) > 2 and words[1] in ('-c', '-lc', '/c', '-Command'):
        inner = words[2].split()
        return (execute(cluster, guest, inner, given) if inner else None) or {'exitcode': 0}
    return {'exitcode': 0}


def simple(guest: Guest, program: str, arguments: list[str], given: str | None) -> dict | None:
    if program == 'cat':
        return concatenated(guest, arguments, given)
    if program in ('touch', 'rm'):
        return listed_anew(guest, program, [name for name in arguments if not name.startswith('-')])
    outputs = {
        'true': '', 'echo': ' '.join(arguments) + '\n', 'hostname': f'{host_name(guest)}\n', 'whoami': 'root\n',
        'id': 'uid=0(root) gid=0(root) groups=0(root)\n', 'pwd': '/\n', 'date': 'Sat Nov 21 00:00:00 UTC 2026\n',
        'uname': f'Linux {host_name(guest)} {KERNEL} x86_64 GNU/Linux\n' if '-a' in arguments else 'Linux\n',
        'ls': 'bin\nboot\ndev\netc\nhome\nlib\nproc\nroot\nrun\nsbin\nsrv\nsys\ntmp\nusr\nvar\n', 'nproc': f'{cores_of(guest)}\n',
        'systemctl': 'running\n', 'sleep': '', 'sync': '', 'mkdir': '', 'apt-get': '', 'cloud-init':
        'status: done\n', 'reboot': '', 'test': '',
    }
    if program == 'false':
        return {'exitcode': 1}
    return {'exitcode': 0, 'out': outputs[program]} if program in outputs else None


def listed_anew(guest: Guest, program: str, names: list[str]) -> dict:
    """touch makes empty files, rm takes files away that were written."""
    guest.agent = guest.agent or {}
    files = guest.agent.setdefault('files', {})
    for name in names:
        if program == 'rm':
            files.pop(name, None)
        elif name not in files_of(guest):
            files[name] = ''
    return {'exitcode': 0}


def concatenated(guest: Guest, names: list[str], given: str | None) -> dict:
    if not names:
        return {'exitcode': 0, 'out': given or ''}
    files, out, err = files_of(guest), '', ''
    for name in names:
        if name in files:
            out += files[name]
        else:
            err += f'cat: {name}: No such file or directory\n'
    return {'exitcode': int(bool(err)), 'out': out, 'err': err}
