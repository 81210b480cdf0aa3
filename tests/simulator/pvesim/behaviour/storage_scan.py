"""What a node finds when it looks for storages: its own volume groups and pools, and what servers offer.

Servers answer from the storages that the cluster has of them: an address that nobody knows offers nothing.
"""

from __future__ import annotations

from ..call import ApiError, Call, operation


def backings(call: Call, prefix: str) -> list[tuple[str, dict]]:
    found = call.node.extra.get('backing', {})
    return [(key[len(prefix):], ground) for key, ground in found.items() if key.startswith(prefix)]


def of_server(call: Call, kind: str, key: str, value: str) -> list[dict]:
    return [config for config in call.cluster.storages.values() if config['type'] == kind and config.get(key) == value]


@operation('GET', '/nodes/{node}/scan')
def index(call: Call) -> list:
    methods = ['cifs', 'iscsi', 'lvm', 'lvmthin', 'nfs', 'pbs', 'zfs']
    if call.release != '9':
        methods.insert(1, 'glusterfs')
    return [{'method': method} for method in methods]


@operation('GET', '/nodes/{node}/scan/lvm')
def lvm(call: Call) -> list:
    names = dict.fromkeys(name for name, _ground in backings(call, 'vg:'))
    names.update(dict.fromkeys(name.split('/')[0] for name, _ground in backings(call, 'thin:')))
    return [{'vg': name} for name in names]


@operation('GET', '/nodes/{node}/scan/lvmthin')
def lvmthin(call: Call) -> list:
    group = call.params['vg']
    return [{'lv': name.split('/')[1]} for name, _ground in backings(call, 'thin:') if name.split('/')[0] == group]


@operation('GET', '/nodes/{node}/scan/zfs')
def zfs(call: Call) -> list:
    return [{'pool': name} for name, _ground in backings(call, 'zpool:')]


@operation('GET', '/nodes/{node}/scan/nfs')
def nfs(call: Call) -> list:
    found = of_server(call, 'nfs', 'server', call.params['server'])
    if not found:
        raise ApiError(f"command '/sbin/showmount --no-headers --exports {call.params['server']}' failed: exit code 1")
    return [{'path': config['export'], 'options': '*'} for config in found]


@operation('GET', '/nodes/{node}/scan/cifs')
def cifs(call: Call) -> list:
    found = of_server(call, 'cifs', 'server', call.params['server'])
    if not found:
        raise ApiError("command '/usr/bin/smbclient' failed: exit code 1")
    return [{'share': config['share'], 'description': ''} for config in found]


@operation('GET', '/nodes/{node}/scan/glusterfs', releases=('7.4', '8.4'))
def glusterfs(call: Call) -> list:
    return [{'volname': config['volume']} for config in of_server(call, 'glusterfs', 'server', call.params['server'])]


@operation('GET', '/nodes/{node}/scan/iscsi')
def iscsi(call: Call) -> list:
    portal = call.params['portal']
    return [{'target': config['target'], 'portal': portal if ':' in portal else f'{portal}:3260'}
            for config in of_server(call, 'iscsi', 'portal', portal)]


@operation('GET', '/nodes/{node}/scan/pbs')
def pbs(call: Call) -> list:
    found = of_server(call, 'pbs', 'server', call.params['server'])
    if not found:
        raise ApiError(f"error fetching datastores - 500 Can't connect to {call.params['server']}:"
                       f"{call.params.get('port', 8007)}")
    return [{'store': config['datastore']} for config in found]
