# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""proxmoxer's resource tree over our client: users know its notation, the client carries what it lacks."""

from __future__ import annotations

import json
import urllib.parse

from ansible_collections.pve.fleet.plugins.module_utils.api import errors

try:
    import proxmoxer
    import requests
except ImportError:
    proxmoxer = requests = None

Session = requests.Session if requests else object


class FleetSession(Session):
    """A requests session whose requests go through Client.request: login, retries, failover, strict answers."""

    def __init__(self, client):
        super().__init__()
        self.client = client

    def request(self, method, url, params=None, data=None, **options):
        """What proxmoxer calls. Raises FleetError; returns requests.Response with {'data': ...}."""
        if options.get('files'):
            raise errors.BadRequest('Files are uploaded with Client.upload, not through the resource tree.')
        path = urllib.parse.urlsplit(url).path.strip('/')
        segments = [urllib.parse.unquote(part) for part in path.split('/')][2:]
        body = self.client.request(method.upper(), segments, {**(params or {}), **(data or {})})
        answer = requests.Response()
        answer.status_code, answer.reason, answer.url = 200, 'OK', url
        answer.headers['Content-Type'] = 'application/json'
        answer._content = json.dumps(body).encode()
        return answer


class QuotingResource(proxmoxer.ProxmoxResource if proxmoxer else object):
    """proxmoxer's resource, except that ids are quoted: '#' or '/' in an id would lead elsewhere."""

    def __getattr__(self, item):
        if item.startswith('_'):
            raise AttributeError(item)
        return self.below(item)

    def __call__(self, resource_id=None):
        if resource_id is None:
            return self
        parts = resource_id if isinstance(resource_id, (list, tuple)) else str(resource_id).strip('/').split('/')
        found = self
        for part in parts:
            found = found.below(str(part))
        return found

    def _request(self, method, data=None, params=None):
        """One request; proxmoxer's own way would write the parameters, and so passwords, to Python's log."""
        answer = self._store['session'].request(method, self._store['base_url'], params=params, data=data)
        return json.loads(answer.content)['data']

    def below(self, segment):
        base = self._store['base_url'].rstrip('/')
        return type(self)(**{**self._store, 'base_url': f'{base}/{urllib.parse.quote(segment, safe="")}'})


def resource_tree(client):
    """The root of the tree for a client."""
    return QuotingResource(base_url='https://fleet/api2/json', session=FleetSession(client))
