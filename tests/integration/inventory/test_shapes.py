# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is gathered of a guest has the same shape wherever it is returned."""
from __future__ import annotations

import pytest

from .conftest import port

SECRET = '11111111-2222-3333-4444-555555555555'
FLEET = """
seed: 7
clusters:
  - name: prod
    release: '{release}'
    nodes: [pve1, pve2]
    tokens: [{{tokenid: 'root@pam!ci', secret: {secret}, privsep: false}}]
    guests:
      - {{name: web, node: pve1, status: running, agent: true, tags: [a, b], snapshots: [{{name: s1, description: first}}, {{name: s2}}],
          config: {{cores: 2, memory: 2048, agent: '1,{freeze}=0', scsi0: 'local-lvm:8,discard=on', net0: 'virtio,bridge=vmbr0,tag=20',
                   ipconfig0: 'ip=10.0.0.9/8,gw=10.0.0.1', ciuser: ops, description: 'two lines'}}}}
      - {{name: dns, node: pve2, kind: lxc, status: running, snapshots: [{{name: s1}}],
          config: {{rootfs: 'local-lvm:8', mp0: 'local-lvm:4,mp=/data', net0: 'name=eth0,bridge=vmbr0,ip=dhcp', features: nesting=1}}}}
"""


@pytest.mark.parametrize(('release', 'freeze'), [('9', 'freeze-fs'), ('8.4', 'freeze-fs-on-backup')])
def test_the_inventory_and_the_modules_show_a_guest_alike(release, freeze, fleet, listed, run_playbook):
    sim = fleet(FLEET.format(release=release, freeze=freeze, secret=SECRET))
    login = {'api_host': f'127.0.0.1:{port(sim, "prod")}', 'ca_path': sim.ca_path, 'api_token_id': 'root@pam!ci', 'api_token_secret': SECRET}
    parts = ['config', 'network', 'snapshots']
    found = listed({'clusters': [{'name': 'prod', **login}], 'gather': parts})
    assert 'WARNING' not in found.stderr
    run = run_playbook([
        {'name': 'web', 'pve.fleet.pve_vm': {**login, 'vmid': 100}},
        {'name': 'dns', 'pve.fleet.pve_container': {**login, 'vmid': 101}},
        {'name': 'list', 'pve.fleet.pve_guest_info': {**login, 'gather': ['network', 'snapshots']}},
        {'name': 'snapshots', 'pve.fleet.pve_snapshot': {**login, 'vmid': 100, 'snapshot': 's2'}},
    ]).ok()
    listing = {guest['name']: guest for guest in run.result('list')['guests']}
    for name, kind in (('web', 'vm'), ('dns', 'container')):
        host, module = found.hosts[name], run.result(name)[kind]
        for key in ('config', 'vmid', 'name', 'node', 'type', 'status', 'template', 'tags', 'pool'):
            assert host[f'pve_{key}'] == module[key], key
        assert host['pve_addresses'] == listing[name]['addresses']
        assert host['pve_snapshots'] == listing[name]['snapshots']
        assert host['pve_snapshots'][0]['name'] == 's1'
    assert found.hosts['web']['pve_snapshots'] == run.result('snapshots')['snapshots']
