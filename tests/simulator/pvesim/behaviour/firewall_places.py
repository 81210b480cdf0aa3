"""Where a firewall request is about: the cluster, a security group, a node, a guest or a virtual network."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..call import ApiError, Call
from ..model.firewall import peek, place

GUESTS = ('/nodes/{node}/qemu/{vmid}', '/nodes/{node}/lxc/{vmid}')
CLUSTER = '/cluster'
NODE = '/nodes/{node}'
VNET = '/cluster/sdn/vnets/{vnet}'


class Place(NamedTuple):
    """level: 'cluster' | 'group' | 'node' | 'guest' | 'vnet'; config: its own configuration."""

    level: str
    config: dict[str, Any]


def here(call: Call, write: bool = False) -> Place:
    """The place that the path of the call names; with write=True a configuration that is kept."""
    find = place if write else peek
    if 'vmid' in call.params:
        return Place('guest', find(call.cluster, 'guest', str(call.params['vmid'])))
    if 'vnet' in call.params:
        return Place('vnet', find(call.cluster, 'vnet', vnet_of(call, write)))
    if 'node' in call.params:
        return Place('node', find(call.cluster, 'node', call.params['node']))
    return Place('group' if '{group}' in call.path else 'cluster', find(call.cluster, 'cluster'))


def vnet_of(call: Call, write: bool) -> str:
    """The virtual network of the path, which must exist and be open to the caller."""
    name = call.params['vnet']
    vnet = call.cluster.section('sdn-vnets').get(name)
    if vnet is None:
        raise ApiError(f"sdn vnet '{name}' does not exist")
    privileges = ['SDN.Allocate'] if write else ['SDN.Audit', 'SDN.Allocate']
    call.require(f'/sdn/zones/{vnet["zone"]}/{name}', privileges, any=True)
    return name


def rules_of(call: Call, write: bool = False) -> tuple[Place, list[dict]]:
    """The place and its list of rules (the group's, where one is named)."""
    found = here(call, write)
    if found.level != 'group':
        return found, found.config['rules']
    group = found.config['groups'].get(call.params['group'])
    if group is None:
        raise ApiError(f"no such security group '{call.params['group']}'")
    return found, group['rules']
