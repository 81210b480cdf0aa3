# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two kinds of guests, as data: what differs between virtual machines and containers."""

from __future__ import annotations

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Kind:
    """name: the API's word (qemu, lxc). noun: how messages call it. key: the key of the result.

    name_key: the option that holds the guest's name. volume_key: the sub-option of a disk that holds its volume.
    mac_key: the sub-option of a network that holds its address. disks: options that hold volumes.
    live_migration: whether it moves to another node while it runs. moves_running: the same for its volumes.
    protected: what cannot be done to the disks of a guest that is protected.
    """

    name: str
    noun: str
    key: str
    ha_type: str
    name_key: str
    volume_key: str
    mac_key: str
    disks: re.Pattern
    root_disk: str
    fixed_size: tuple
    move_path: str
    move_key: str
    live_migration: bool
    moves_running: bool
    protected: tuple
    clone_task: str
    storage_content: str

    @property
    def config_path(self):
        """The path of the official tables under which the configuration is changed."""
        return f'/nodes/{{node}}/{self.name}/{{vmid}}/config'

    def is_disk(self, key):
        return bool(self.disks.fullmatch(key))

    def is_network(self, key):
        return bool(NETWORK.fullmatch(key))


NETWORK = re.compile(r'net\d+')
UNUSED = re.compile(r'unused\d+')
IP_CONFIG = re.compile(r'ipconfig\d+')

QEMU = Kind(
    name='qemu',
    noun='VM',
    key='vm',
    ha_type='vm',
    name_key='name',
    volume_key='file',
    mac_key='macaddr',
    disks=re.compile(r'(ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0'),
    root_disk='',
    fixed_size=('efidisk0', 'tpmstate0'),
    move_path='move_disk',
    move_key='disk',
    live_migration=True,
    moves_running=True,
    protected=('detach', 'destroy'),
    clone_task='qmclone',
    storage_content='images',
)
LXC = Kind(
    name='lxc',
    noun='CT',
    key='container',
    ha_type='ct',
    name_key='hostname',
    volume_key='volume',
    mac_key='hwaddr',
    disks=re.compile(r'rootfs|mp\d+'),
    root_disk='rootfs',
    fixed_size=(),
    move_path='move_volume',
    move_key='volume',
    live_migration=False,
    moves_running=False,
    protected=('add', 'set', 'swap', 'detach', 'destroy'),
    clone_task='vzclone',
    storage_content='rootdir',
)
KINDS = {kind.name: kind for kind in (QEMU, LXC)}


def kind_of(name):
    """'qemu', 'lxc' or a Kind -> Kind."""
    return name if isinstance(name, Kind) else KINDS[name]
