"""The system services of a node that the API knows, and whether they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .node import Node

# name -> (description, state of the unit file) on an ordinary node
KNOWN = {
    'chrony': ('chrony, an NTP client/server', 'enabled'),
    'corosync': ('Corosync Cluster Engine', 'enabled'),
    'cron': ('Regular background program processing daemon', 'enabled'),
    'ksmtuned': ('Kernel Samepage Merging (KSM) Tuning Daemon', 'enabled'),
    'lxcfs': ('FUSE filesystem for LXC', 'enabled'),
    'postfix': ('Postfix Mail Transport Agent', 'enabled'),
    'proxmox-firewall': ('Proxmox nftables firewall', 'enabled'),
    'pve-cluster': ('The Proxmox VE cluster filesystem', 'enabled'),
    'pve-firewall': ('Proxmox VE firewall', 'enabled'),
    'pve-ha-crm': ('PVE Cluster HA Resource Manager Daemon', 'enabled'),
    'pve-ha-lrm': ('PVE Local HA Resource Manager Daemon', 'enabled'),
    'pve-lxc-syscalld': ('Proxmox VE LXC Syscall Daemon', 'enabled'),
    'pvedaemon': ('PVE API Daemon', 'enabled'),
    'pvefw-logger': ('Proxmox VE firewall logger', 'static'),
    'pveproxy': ('PVE API Proxy Server', 'enabled'),
    'pvescheduler': ('Proxmox VE scheduler', 'enabled'),
    'pvestatd': ('PVE Status Daemon', 'enabled'),
    'qmeventd': ('PVE Qemu Event Daemon', 'enabled'),
    'spiceproxy': ('PVE SPICE Proxy Server', 'enabled'),
    'sshd': ('OpenBSD Secure Shell server', 'enabled'),
    'syslog': ('Syslog daemon', 'not-found'),
    'systemd-journald': ('Journal Service', 'static'),
    'systemd-timesyncd': ('Network Time Synchronization', 'disabled'),
}
# A node that is a container itself runs these alone.
CONTAINER = frozenset(['pve-cluster', 'pvedaemon', 'pveproxy', 'pvescheduler', 'pvestatd', 'sshd'])
NOT_RUNNING = frozenset(['syslog', 'systemd-timesyncd'])


def service(node: Node, name: str, standalone: bool = False) -> dict:
    """name, service, desc, state, active-state, unit-state of a service of that node."""
    description, unit_state = KNOWN[name]
    running = name not in NOT_RUNNING and not (standalone and name == 'corosync')
    if node.extra.get('container'):
        description, unit_state, running = name, 'enabled', name in CONTAINER
    entry = {'name': name, 'service': name, 'desc': description, 'unit-state': unit_state,
             'state': 'running' if running else 'dead', 'active-state': 'active' if running else 'inactive'}
    entry.update(node.services.get(name, {}))
    return entry


def runs(node: Node, name: str) -> bool:
    """Whether a service of that node runs."""
    return service(node, name)['state'] == 'running'


def set_running(node: Node, name: str, running: bool) -> None:
    """Start or stop a service."""
    node.services.setdefault(name, {}).update({
        'state': 'running' if running else 'dead', 'active-state': 'active' if running else 'inactive',
    })
