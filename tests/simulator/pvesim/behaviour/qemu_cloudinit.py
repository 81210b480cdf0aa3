"""Cloud-init: the files that PVE generates, what of them waits to be written, and writing the drive anew."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import urllib.parse
from typing import Any

from ..call import Call, operation
from ..model.guest import Guest
from ..model.node import Node
from .qemu_common import check_free, check_lock, load, site_of
from .qemu_drive import drives_of, is_cloudinit
from .qemu_net import nets_of
from .qemu_options import CLOUDINIT, properties_of

CLOUDINIT_PATH = '/nodes/{node}/qemu/{vmid}/cloudinit'
HIDDEN = '**********'


def is_windows(config: dict) -> bool:
    return str(config.get('ostype', '')).startswith(('w2k', 'wxp', 'wvista', 'win'))


def format_of(config: dict) -> str:
    return config.get('citype') or ('configdrive2' if is_windows(config) else 'nocloud')


def host_names(config: dict, vmid: int) -> tuple[str, str]:
    """(host name, fully qualified name)."""
    name = str(config.get('name') or f'VM{vmid}')
    if '.' in name:
        return name.split('.', maxsplit=1)[0], name
    search = config.get('searchdomain')
    return name, f'{name}.{search}' if search else name


def resolver(config: dict, node: Node) -> tuple[list[str], list[str]]:
    """(search domains, name servers): the VM's own, else those of the node."""
    search = str(config.get('searchdomain') or node.dns.get('search') or '').split()
    servers = str(config.get('nameserver') or '').split()
    return search, servers or [node.dns[key] for key in ('dns1', 'dns2', 'dns3') if node.dns.get(key)]


def ssh_keys(config: dict) -> list[str]:
    text = urllib.parse.unquote(str(config.get('sshkeys') or ''))
    return [line for line in text.split('\n') if line.strip()]


def user_data(config: dict, vmid: int) -> str:
    host, full = host_names(config, vmid)
    lines = ['#cloud-config', f'hostname: {host}', 'manage_etc_hosts: true', f'fqdn: {full}']
    user = config.get('ciuser')
    if user is not None:
        lines.append(f'user: {user}')
        lines += ['disable_root: False'] if user == 'root' else []
    if config.get('cipassword') is not None:
        lines.append(f'password: {config["cipassword"]}')
    if config.get('sshkeys') is not None:
        lines += ['ssh_authorized_keys:'] + [f'  - {key}' for key in ssh_keys(config)]
    lines += ['chpasswd:', '  expire: False']
    if user != 'root':
        lines += ['users:', '  - default']
    if config.get('ciupgrade', 1):
        lines.append('package_upgrade: true')
    return '\n'.join(lines) + '\n'


def addressed(config: dict) -> list[tuple[int, dict, dict]]:
    """(number, network device, its ipconfig) of every device that has one."""
    return [(number, net, properties_of(config[f'ipconfig{number}'], 'ip')) for number, net in nets_of(config)
            if config.get(f'ipconfig{number}')]


def address_and_mask(text: str) -> tuple[str, str]:
    interface = ipaddress.ip_interface(text)
    return str(interface.ip), str(interface.netmask)


def nocloud_network(config: dict, node: Node) -> str:
    lines = ['version: 1', 'config:']
    for number, net, ip in addressed(config):
        lines += ['    - type: physical', f'      name: eth{number}',
                  f"      mac_address: '{net.get('macaddr', '').lower()}'", '      subnets:']
        lines += nocloud_subnets(ip)
    search, servers = resolver(config, node)
    lines.append('    - type: nameserver')
    lines += (['      address:'] + [f"      - '{server}'" for server in servers]) if servers else []
    lines += (['      search:'] + [f"      - '{domain}'" for domain in search]) if search else []
    return '\n'.join(lines) + '\n'


def nocloud_subnets(ip: dict) -> list[str]:
    lines = []
    four, six = ip.get('ip'), ip.get('ip6')
    if four == 'dhcp':
        lines.append('      - type: dhcp4')
    elif four:
        address, mask = address_and_mask(four)
        lines += ['      - type: static', f"        address: '{address}'", f"        netmask: '{mask}'"]
        lines += [f"        gateway: '{ip['gw']}'"] if ip.get('gw') else []
    if six == 'dhcp':
        lines.append('      - type: dhcp6')
    elif six == 'auto':
        lines.append('      - type: ipv6_slaac')
    elif six:
        lines += ['      - type: static6', f"        address: '{six}'"]
        lines += [f"        gateway: '{ip['gw6']}'"] if ip.get('gw6') else []
    return lines


def configdrive_network(config: dict, node: Node) -> str:
    lines = ['auto lo', 'iface lo inet loopback', '']
    search, servers = resolver(config, node)
    lines += [f'        dns_nameservers {" ".join(servers)}'] if servers else []
    lines += [f'        dns_search {" ".join(search)}'] if search else []
    for number, _net, ip in addressed(config):
        lines += configdrive_interface(f'eth{number}', ip)
    return '\n'.join(lines) + '\n'


def configdrive_interface(name: str, ip: dict) -> list[str]:
    lines = [f'auto {name}']
    four, six = ip.get('ip'), ip.get('ip6')
    if four == 'dhcp':
        lines.append(f'iface {name} inet dhcp')
    elif four:
        address, mask = address_and_mask(four)
        lines += [f'iface {name} inet static', f'        address {address}', f'        netmask {mask}']
        lines += [f'        gateway {ip["gw"]}'] if ip.get('gw') else []
    if six in ('auto', 'dhcp'):
        lines.append(f'iface {name} inet6 {six}')
    elif six:
        address, dummy, length = six.partition('/')
        lines += [f'iface {name} inet6 static', f'        address {address}', f'        netmask {length}']
        lines += [f'        gateway {ip["gw6"]}'] if ip.get('gw6') else []
    return lines


def network_data(config: dict, node: Node) -> str:
    make = nocloud_network if format_of(config) == 'nocloud' else configdrive_network
    return make(config, node)


def meta_data(config: dict, vmid: int, node: Node) -> str:
    digest = hashlib.sha1((user_data(config, vmid) + network_data(config, node)).encode()).hexdigest()
    if format_of(config) == 'nocloud':
        return f'instance-id: {digest}\n'
    body = json.dumps({'content_path': '/content/0000'}).replace('{', '{ ').replace('}', ' }')
    return f'{{\n     "uuid": "{digest}",\n     "network_config": {body}\n}}\n'


@operation('GET', f'{CLOUDINIT_PATH}/dump')
def dump(call: Call) -> str:
    guest = load(site_of(call), call.params['vmid'])
    kind = call.params['type']
    if kind == 'user':
        return user_data(guest.config, guest.vmid)
    if kind == 'network':
        return network_data(guest.config, call.node)
    return meta_data(guest.config, guest.vmid, call.node)


@operation('GET', CLOUDINIT_PATH)
def read(call: Call) -> list:
    """The options of the drive, with those that it does not show yet."""
    guest = load(site_of(call), call.params['vmid'])
    config = {key: HIDDEN if key == 'cipassword' else value for key, value in guest.config.items()}
    state = {key: HIDDEN if key == 'cipassword' else value for key, value in guest.extra.get('cloudinit', {}).items()}
    added = state.pop('added', [])
    rows = [{'key': key, 'pending': config.get(key)} for key in added]
    for key in sorted(CLOUDINIT - set(added)):
        if config.get(key) is None:
            continue
        row = {'key': key, 'value': config[key]}
        if key in state:
            row = {'key': key, 'value': state[key], 'pending': config[key]}
        rows.append(row)
    return rows + [{'key': key, 'delete': 1} for key in state if config.get(key) is None]


@operation('PUT', CLOUDINIT_PATH)
def update(call: Call) -> None:
    guest = load(site_of(call), call.params['vmid'])
    check_free(call, guest)
    check_lock(guest)
    regenerate(guest)


def regenerate(guest: Guest, task: Any = None) -> None:
    """Write the cloud-init drive from the configuration, where there is one."""
    if any(is_cloudinit(drive) for _name, drive in drives_of(guest.config)):
        guest.extra.pop('cloudinit', None)
        if task is not None:
            task.log('generating cloud-init ISO')
