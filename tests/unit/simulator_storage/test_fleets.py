# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets from a seed and from fleet.yml."""
from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pvesim.clock import Clock
from pvesim.model import describe, storage
from pvesim.model.generate import generate, token_secret

START = 1_800_000_000
VOLUME = re.compile(r'^(?:ide|sata|scsi|virtio|rootfs|mp)\d*$')


def made(seed=7, **numbers):
    return generate(seed=seed, clock=Clock('manual', START), **numbers)


def test_the_same_seed_makes_the_same_fleet():
    assert repr(made(clusters=2, guests=60).clusters) == repr(made(clusters=2, guests=60).clusters)
    assert repr(made(guests=60).clusters) != repr(made(seed=8, guests=60).clusters)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 80), st.integers())
def test_a_generated_fleet_is_whole(clusters, nodes, guests, seed):
    fleet = made(clusters=clusters, nodes=nodes, guests=guests, seed=seed)
    assert len(fleet.clusters) == clusters
    for cluster in fleet.clusters.values():
        assert len(cluster.nodes) == nodes
        real = [guest for guest in cluster.guests.values() if not guest.template]
        assert len(real) == guests
        names = [guest.config.get('name') or guest.config.get('hostname') for guest in real]
        assert len(set(names)) == guests
        for guest in cluster.guests.values():
            assert guest.node in cluster.nodes
            check_volumes(cluster, guest)
        for pool in cluster.pools.values():
            assert pool['vms'] <= set(cluster.guests)
        for storeid in cluster.storages:
            for node in cluster.nodes:
                assert storage.space(cluster, node, storeid).avail > 0


def check_volumes(cluster, guest):
    for key, value in guest.config.items():
        if VOLUME.match(key):
            volume = storage.find(cluster, guest.node, value.split(',')[0])
            assert volume is not None, (key, value)
            assert volume.vmid == guest.vmid


def test_tokens_of_a_generated_cluster_are_known(generated):
    name = generated.cluster.name
    assert generated.cluster.access.secrets['fleet@pve!viewer'] == token_secret(3, name, 'viewer')
    assert generated.send('GET', '/cluster/resources', 'fleet@pve!viewer')[0] == 200
    assert generated.send('POST', '/pools', 'fleet@pve!viewer', poolid='new')[0] == 403


def build(text):
    return describe.build(yaml.safe_load(text), Clock('fast'))


def test_a_description_is_what_it_says():
    fleet = build('''
        clusters:
          - name: prod
            release: '8.4'
            nodes: [pve1, {name: pve2, ip: 10.1.1.2, memory: 64G, online: false}, pve3]
            storages:
              - {storage: fast, type: lvmthin, vgname: nvme, thinpool: data, content: images, size: 2T, nodes: [pve1, pve3]}
              - {storage: nas, type: nfs, server: nas.test, export: /e, content: [iso, backup]}
            files: ['nas:iso/debian.iso']
            users: [{userid: bob@pve, password: x}]
            tokens: [{tokenid: 'bob@pve!t', secret: 11111111-1111-1111-1111-111111111111}]
            acl: [{path: /vms, roles: PVEVMAdmin, tokens: 'bob@pve!t'}]
            guests:
              - {name: web, count: 2, node: pve1, status: running, tags: [Web, a], pool: shop, agent: true,
                 config: {cores: 2, scsi0: 'fast:32,discard=on', net0: 'virtio,bridge=vmbr0'}}
              - {name: ct, kind: lxc, node: pve3, config: {rootfs: 'fast:8'}, snapshots: [before]}
        ''')
    cluster = fleet.clusters['prod']
    assert (cluster.release, cluster.nodes['pve2'].memory, cluster.nodes['pve2'].online) == ('8.4', 64 << 30, False)
    web = cluster.guests[100]
    assert (web.config['name'], web.config['tags'], web.running) == ('web-01', 'a;web', True)
    assert web.config['scsi0'] == 'fast:vm-100-disk-0,discard=on,size=32G'
    assert re.fullmatch(r'virtio=BC:24:11(:[0-9A-F]{2}){3},bridge=vmbr0', web.config['net0'])
    assert cluster.pools['shop']['vms'] == {100, 101}
    assert list(cluster.guests[102].snapshots) == ['before']
    assert storage.space(cluster, 'pve1', 'fast').total == 2 << 40
    assert storage.find(cluster, 'pve3', 'nas:iso/debian.iso')
    assert cluster.access.secrets['bob@pve!t'].startswith('1111')


def test_the_example_of_the_documentation_works():
    text = (Path(__file__).parents[2] / 'simulator' / 'README.md').read_text()
    fleet = build(re.search(r'```yaml\n(seed: .*?)```', text, re.DOTALL)[1])
    cluster = fleet.clusters['prod']
    assert len([guest for guest in cluster.guests.values() if not guest.template]) == 104
    assert storage.space(cluster, 'pve1', 'fast').total == 4 << 40
    assert cluster.guests[9000].config['scsi0'] == 'ceph:base-9000-disk-0,size=4G'
    for guest in cluster.guests.values():
        check_volumes(cluster, guest)


def test_a_container_on_zfs_has_a_subvolume():
    fleet = build('''
        clusters:
          - storages: [{storage: tank, type: zfspool, pool: tank}]
            guests: [{kind: lxc, config: {rootfs: 'tank:4'}}]
        ''')
    assert fleet.clusters['seoul'].guests[100].config['rootfs'] == 'tank:subvol-100-disk-0,size=4G'


@pytest.mark.parametrize(('text', 'message'), [
    ('[]', 'fleet.yml: a mapping is needed here, not a list'),
    ('{}', "fleet.yml: 'clusters' is needed"),
    ('clusters: [{name: a, size: 3}]', "fleet.yml: clusters[0]: 'size' is not known here"),
    ("clusters: [{release: '10'}]", "fleet.yml: clusters[0].release: '10' is not a release"),
    ('clusters: [{guests: [{node: x}]}]', "fleet.yml: clusters[0].guests[0].node: 'x' is not a node of cluster 'seoul'; use one of pve1"),
    ('clusters: [{guests: [{vmid: 7}]}]', 'fleet.yml: clusters[0].guests[0].vmid: 7 is not an id'),
    ('clusters: [{guests: [{status: on}]}]', 'fleet.yml: clusters[0].guests[0].status: a text is needed here'),
    ('clusters: [{guests: [{config: {scsi0: "x:3"}}]}]', "fleet.yml: clusters[0].guests[0].config.scsi0: storage 'x' does not exist"),
    ('clusters: [{storages: [{storage: aa, type: tape}]}]', "fleet.yml: clusters[0].storages[0].type: 'tape' is not a storage type"),
    ('clusters: [{storages: [{storage: aa, type: nfs, server: x}]}]', "storage 'aa' of type nfs needs 'export'"),
    ('clusters: [{tokens: [{tokenid: nobody}]}]', 'write it as user@realm!name'),
    ('clusters: [{name: a}, {name: a}]', "there are two clusters named 'a'"),
])
def test_a_faulty_description_is_refused_in_one_sentence(text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        build(text)
    assert '\n' not in str(caught.value)


def test_what_is_not_yaml_is_refused_with_its_line(tmp_path):
    path = tmp_path / 'fleet.yml'
    path.write_text('clusters:\n  - {name: [}\n')
    with pytest.raises(ValueError, match='line 2: this is not YAML'):
        describe.load(path)


JUNK = (st.none() | st.booleans() | st.integers(-5, 300) | st.text(max_size=4) | st.floats() | st.dates()
        | st.lists(st.integers() | st.text(max_size=3), max_size=2) | st.dictionaries(st.text(max_size=3), st.none(), max_size=2))


def listed(*keys, **known):
    """Lists of mappings with some of these keys and anything as values."""
    return JUNK | st.lists(st.fixed_dictionaries({}, optional={**dict.fromkeys(keys, JUNK), **known}), max_size=2)


CLUSTERS = st.fixed_dictionaries({}, optional={
    **dict.fromkeys(['name', 'release', 'options', 'generate', 'groups'], JUNK),
    'nodes': listed(*describe.NODE, name=st.sampled_from('ab')),
    'storages': listed('path', 'size', 'nodes', 'content', storage=st.just('aa'), type=st.sampled_from(sorted(describe.TYPES))),
    'files': listed(*describe.FILE, volid=st.just('local:iso/x.iso')),
    'pools': listed(*describe.FIELDS['pools']), 'users': listed(*describe.FIELDS['users']),
    'acl': listed(*describe.FIELDS['acl'], roles=st.just('NoAccess')), 'tokens': listed(*describe.FIELDS['tokens']),
    'guests': listed('node', 'status', 'template', 'tags', 'agent', 'snapshots', count=st.integers(-2, 3), kind=st.sampled_from(
        ['qemu', 'lxc']), config=JUNK | st.fixed_dictionaries({}, optional=dict.fromkeys(['scsi0', 'net0', 'memory'], JUNK))),
})


@settings(max_examples=200, deadline=None)
@given(st.lists(CLUSTERS, max_size=2))
def test_no_description_makes_a_traceback(described):
    assert re.fullmatch(r'(?:fleet\.yml: .*)?', refusal(described))


def refusal(described):
    """The sentence that refuses a description, or nothing."""
    try:
        describe.build({'clusters': described}, Clock('fast'))
    except ValueError as error:
        return str(error)
    return ''
