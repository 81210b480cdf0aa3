"""The list of container templates that Proxmox offers (aplinfo), and fetching one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from ..call import ApiError, Call, ParameterError, operation
from ..model import storage, volume_names, web
from .storage_access import check_volume_access
from .storage_transfer import Checksum, Getting

SOURCE = 'http://download.proxmox.com/images'
LIST = Path(__file__).parent.parent / 'data' / 'appliances.json'


@cache
def appliances() -> list[dict]:
    """The index as it would be after `pveam update`."""
    return json.loads(LIST.read_text())


def known(call: Call) -> list[dict]:
    """What this cluster's nodes have in their index: nothing until it was fetched."""
    return appliances() if call.cluster.extra.get('appliances') else []


@operation('GET', '/nodes/{node}/aplinfo')
def aplinfo(call: Call) -> list:
    return [{**row, 'source': SOURCE} for row in known(call)]


@operation('POST', '/nodes/{node}/aplinfo')
def download(call: Call) -> str:
    storeid, template = call.params['storage'], call.params['template']
    found = next((row for row in known(call) if row['template'] == template), None)
    if found is None:
        raise ParameterError({'template': 'no such template'})
    config = storage.check_enabled(call.cluster, storeid, call.node.name)
    if 'vztmpl' not in storage.contents(config):
        raise ApiError(f"storage '{storeid}' does not support templates")
    url = f'{SOURCE}/{found["section"]}/{template}?size={found["size"]}'
    volid = f'{storeid}:vztmpl/{template}'
    check_volume_access(call, volid)
    path = f'{volume_names.content_folder(config, "vztmpl")}/{template}'
    checksum = Checksum('sha512', web.look_up(url).digest('sha512'))
    return call.task('download', template, Getting(call, url, volid, path, checksum).worker)
