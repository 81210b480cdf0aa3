"""Storages as a node sees them: list, status, statistics."""

from __future__ import annotations

import re

from ..call import Call, ParameterError, operation
from ..model import storage
from ..model.series import guest_series
from .storage_access import READ


def status_row(call: Call, storeid: str, node: str) -> dict:
    """Figures of one storage on one node, as storage_info gives them."""
    config = storage.section(call.cluster, storeid)
    room = storage.space(call.cluster, node, storeid)
    return {
        'type': config['type'], 'content': ','.join(sorted(storage.contents(config))),
        'shared': int(storage.is_shared(config)), 'enabled': int(storage.is_enabled(config, node)),
        'active': int(room.active), 'total': room.total, 'used': room.used, 'avail': room.avail,
    }


@operation('GET', '/nodes/{node}/storage')
def index(call: Call) -> list:
    return [row for storeid in list(call.cluster.storages) if (row := index_row(call, storeid)) is not None]


def index_row(call: Call, storeid: str) -> dict | None:
    params, config, node = call.params, call.cluster.storages[storeid], call.node.name
    if params.get('storage') not in (None, storeid) or (params.get('enabled') and config.get('disable')):
        return None
    if not call.may(f'/storage/{storeid}', *READ, any=True) or not wanted_content(params.get('content'), config, node):
        return None
    if (target := params.get('target')) and not (storage.on_node(config, node) and storage.on_node(config, target)):
        return None
    row = {'storage': storeid, **status_row(call, storeid, node)}
    if row['total']:
        row['used_fraction'] = row['used'] / row['total']
    if params.get('format'):
        add_formats(call, row, config)
    return row


def wanted_content(text: str | None, config: dict, node: str) -> bool:
    if not text:
        return True
    return bool(set(re.split(r'[,;\s]+', text)) & storage.contents(config)) and storage.is_enabled(config, node)


def add_formats(call: Call, row: dict, config: dict) -> None:
    default, formats = storage.formats_of(config, call.release)
    row['select_existing'] = int(storage.type_of(config).select_existing)
    if call.release == '9':
        row['formats'] = {'default': default, 'supported': sorted(formats)}
    else:
        row['format'] = [dict.fromkeys(sorted(formats), 1), default]


@operation('GET', '/nodes/{node}/storage/{storage}/status')
def read_status(call: Call) -> dict:
    if call.params['storage'] not in call.cluster.storages:
        raise ParameterError({'storage': 'No such storage.'})
    return status_row(call, call.params['storage'], call.node.name)


@operation('GET', '/nodes/{node}/storage/{storage}/rrddata')
def rrddata(call: Call) -> list:
    """Points on the grid of the archive; those from before the node began to keep statistics have no figures."""
    storeid, now, extra = call.params['storage'], call.clock.now(), call.node.extra
    room = storage.space(call.cluster, call.node.name, storeid) if storeid in call.cluster.storages else storage.Space()
    since = extra.get('rrd_since', call.node.booted_at)

    def at(moment: float) -> dict | None:
        """Use grows slowly and evenly towards what it is now."""
        if not room.active or moment < since:
            return None
        return {'total': room.total, 'used': room.used / (1 + (now - moment) * 1e-8)}

    return guest_series(call.params['timeframe'], now, call.release, at)


@operation('GET', '/nodes/{node}/storage/{storage}/rrd')
def rrd(call: Call) -> dict:
    params = call.params
    names = '_'.join(re.split(r'[,;\s]+', params['ds']))
    name = f'{call.node.name}/{params["storage"]}-{params["timeframe"]}-{names}.png'
    return {'filename': f'/var/lib/rrdcached/db/pve2-storage/{name}'}


@operation('GET', '/nodes/{node}/storage/{storage}')
def diridx(call: Call) -> list:
    names = 'content download-url file-restore import-metadata oci-registry-pull prunebackups rrd rrddata status upload'
    return [{'subdir': name} for name in names.split() if call.release == '9' or name != 'oci-registry-pull']
