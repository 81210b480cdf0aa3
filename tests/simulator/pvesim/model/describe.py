"""Fleets from a YAML description (fleet.yml); the schema is in the simulator's README under "Fleets".

    fleet = describe.load(Path('fleet.yml'), clock)      # ValueError with one sentence that says what, where, what to do
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import yaml

from ..call import RELEASES, ApiError
from ..clock import Clock
from . import describe_guests, generate, storage
from .cluster import Cluster
from .describe_checks import Place, bytes_of
from .fleet import Fleet
from .generate_guests import FIRST_TEMPLATE, Maker
from .node import Node
from .storage_space import backing, local_key
from .storage_types import MOUNTED, TYPES

GIB = 1 << 30
TOP = ('seed', 'clusters')
CLUSTER = ('name', 'release', 'nodes', 'storages', 'files', 'pools', 'users', 'groups', 'roles', 'acl', 'tokens', 'options',
           'guests', 'generate')
NODE = ('name', 'ip', 'cpus', 'memory', 'online', 'network', 'volume_groups', 'thin_pools', 'zpools')
FILE = ('volid', 'size', 'nodes', 'vmid', 'notes', 'protected')
FIELDS = {
    'pools': ('poolid', 'comment', 'vms', 'storages'), 'groups': ('groupid', 'comment'), 'roles': ('roleid', 'privs'),
    'users': ('userid', 'password', 'groups', 'enable', 'expire', 'comment', 'email', 'firstname', 'lastname'),
    'tokens': ('tokenid', 'secret', 'privsep', 'expire', 'comment'),
    'acl': ('path', 'roles', 'users', 'groups', 'tokens', 'propagate'),
}


def load(path: Path, clock: Clock | None = None) -> Fleet:
    """The fleet that the file describes. Raises ValueError with one sentence, OSError for an unreadable file."""
    text = Path(path).read_text(encoding='utf-8')
    try:
        described = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None)
        where = f', line {mark.line + 1}' if mark else ''
        raise ValueError(f'{path}{where}: this is not YAML ({getattr(error, "problem", None) or "unreadable"})') from None
    return build(described, clock, str(path))


def build(described: Any, clock: Clock | None = None, source: str = 'fleet.yml') -> Fleet:
    """The fleet of a description that is already parsed."""
    top = Place(source, described).mapping(TOP)
    fleet = Fleet(clock=clock or Clock())
    seed = top.integer('seed', 1)
    for number, entry in enumerate(top.entries('clusters', required=True)):
        made = ClusterBuilder(entry, number, seed, fleet.clock.now()).build()
        if made.name in fleet.clusters:
            entry.fail(f"there are two clusters named '{made.name}'; give each its own name", 'name')
        fleet.add(made)
    return fleet


class ClusterBuilder:
    """Makes one cluster of its description."""

    def __init__(self, entry: Place, number: int, seed: int, now: float):
        self.entry, self.number, self.now, self.seed = entry.mapping(CLUSTER), number, now, seed
        name = self.entry.text('name', generate.cluster_name(number))
        release = self.entry.text('release', '9')
        if release not in RELEASES:
            self.entry.fail(f"'{release}' is not a release; write one of {', '.join(RELEASES)} in quotes", 'release')
        self.cluster = Cluster(name, release)
        self.dice = random.Random(f'{seed}/{name}')

    def build(self) -> Cluster:
        self.nodes()
        self.storages()
        generate.add_access(self.cluster, self.seed)
        self.access()
        self.pools()
        self.cluster.options.update(self.entry.dictionary('options'))
        self.files()
        describe_guests.add(self.entry, self.cluster, self.dice, self.now)
        self.generated()
        self.members()
        return self.cluster

    def nodes(self) -> None:
        described = self.entry.value.get('nodes', 1)
        if isinstance(described, int) and not isinstance(described, bool):
            if described < 1:
                self.entry.fail('a cluster needs at least one node', 'nodes')
            described = [{'name': f'pve{index + 1}'} for index in range(described)]
        for index, entry in enumerate(Place(self.entry.source, described, f'{self.entry.path}.nodes').items()):
            if isinstance(entry.value, str):
                entry = Place(entry.source, {'name': entry.value}, entry.path)
            self.add_node(entry.mapping(NODE), index)
        self.cluster.standalone = len(self.cluster.nodes) == 1

    def add_node(self, entry: Place, index: int) -> None:
        name = entry.text('name', required=True)
        if name in self.cluster.nodes:
            entry.fail(f"there are two nodes named '{name}'; give each its own name", 'name')
        node = generate.make_node(name, self.number, index, self.dice, self.now)
        node.ip = entry.text('ip', node.ip)
        node.network = generate.network(node.ip, f'{node.ip.rsplit(".", 1)[0]}.254')
        node.cpus = entry.integer('cpus', node.cpus)
        node.memory = entry.size('memory', node.memory)
        node.online = entry.flag('online', True)
        node.network.update(entry.dictionary('network'))
        backing = {}
        for key, prefix in (('volume_groups', 'vg'), ('thin_pools', 'thin'), ('zpools', 'zpool')):
            for pool, size in entry.dictionary(key).items():
                backing[f'{prefix}:{pool}'] = {'total': bytes_of(size, entry.child(key), pool), 'used': 0}
        node.extra['backing'] = backing
        self.cluster.nodes[name] = node

    def storages(self) -> None:
        if 'storages' not in self.entry.value:
            generate.add_storages(self.cluster, len(self.cluster.nodes))
            generate.size_backings(self.cluster)
            return
        for entry in self.entry.entries('storages'):
            self.add_storage(entry)
        self.cluster.storages.setdefault('local', {'type': 'dir', 'path': '/var/lib/vz', 'content': 'iso,vztmpl,backup'})

    def add_storage(self, entry: Place) -> None:
        config = dict(entry.mapping().value)
        storeid, kind = entry.text('storage', required=True), entry.text('type', required=True)
        if kind not in TYPES:
            entry.fail(f"'{kind}' is not a storage type; use one of {', '.join(sorted(TYPES))}", 'type')
        rules = TYPES[kind]
        total, used = entry.size('size', 0), entry.size('used', 0)
        config = {key: value for key, value in config.items() if key not in ('storage', 'size', 'used')}
        if kind in MOUNTED:
            config.setdefault('path', f'/mnt/pve/{storeid}')
        for key in ('content', 'nodes'):
            if key in config:
                config[key] = ','.join(entry.words(key))
        for key in config:
            if isinstance(config[key], (dict, list)) or config[key] is None:
                entry.fail('a text or a number is needed here', key)
            if key != 'type' and key not in rules.options:
                entry.fail(f"'{key}' is not an option of storage type {kind}; it has {', '.join(sorted(rules.options))}", key)
        for key in sorted(rules.required - set(config)):
            entry.fail(f"storage '{storeid}' of type {kind} needs '{key}'", key)
        unknown = set(storage.contents(config)) - rules.contents
        if unknown:
            entry.fail(f'storage type {kind} cannot hold {", ".join(sorted(unknown))}; it holds '
                       f'{", ".join(sorted(rules.contents))}', 'content')
        for node in entry.words('nodes'):
            self.known_node(entry, 'nodes', node)
        self.cluster.storages[storeid] = {key: int(value) if isinstance(value, bool) else value
                                          for key, value in config.items()}
        self.add_backing(storeid, config, {'total': total or generate.TIB, 'used': used} if total or used else None)

    def add_backing(self, storeid: str, config: dict, ground: dict | None) -> None:
        """Give the storage its size: on each node's own disks or, where it is remote, once."""
        kind, key = TYPES[config['type']], local_key(config)
        if kind.local_to == 'remote':
            if ground or config['type'] in ('rbd', 'cephfs'):
                self.cluster.extra.setdefault('backing', {})[storeid] = ground or {'total': 10 * generate.TIB, 'used': 0}
            return
        for node in self.cluster.nodes.values():
            if not storage.on_node(config, node.name):
                continue
            if key is not None:
                node.extra['backing'].setdefault(key, dict(ground or {'total': generate.TIB, 'used': 0}))
            elif ground and storeid == 'local':
                node.extra['rootfs'] = dict(ground)
            elif ground:
                node.extra['backing'][f'dir:{config["path"]}'] = dict(ground)

    def known_node(self, entry: Place, key: str, node: str) -> Node:
        if node not in self.cluster.nodes:
            entry.fail(f"'{node}' is not a node of cluster '{self.cluster.name}'; use one of "
                       f'{", ".join(self.cluster.nodes)}', key)
        return self.cluster.nodes[node]

    def files(self) -> None:
        self.cluster.extra['appliances'] = True
        for entry in self.entry.entries('files'):
            if isinstance(entry.value, str):
                entry = Place(entry.source, {'volid': entry.value}, entry.path)
            entry = entry.mapping(FILE)
            volid = entry.text('volid', required=True)
            try:
                _storeid, parsed = storage.parse(self.cluster, volid)
            except ApiError as error:
                entry.fail(f'{error.message}; write storage:content/name, such as local:iso/debian.iso', 'volid')
            size = entry.size('size', 512 << 20)
            vmid = entry.integer('vmid', 0) or parsed.vmid
            for node in entry.words('nodes') or list(self.cluster.nodes):
                self.known_node(entry, 'nodes', node)
                storage.add(self.cluster, node, storage.Volume(
                    volid, parsed.content, parsed.format, size, size, vmid, ctime=int(self.now),
                    notes=entry.text('notes') or None, protected=entry.flag('protected', False)))

    def pools(self) -> None:
        for entry in self.entry.entries('pools'):
            if isinstance(entry.value, str):
                entry = Place(entry.source, {'poolid': entry.value}, entry.path)
            entry = entry.mapping(FIELDS['pools'])
            self.cluster.pools[entry.text('poolid', required=True)] = {
                'comment': entry.text('comment', ''), 'vms': {int(vmid) for vmid in entry.words('vms') if vmid.isdigit()},
                'storages': set(entry.words('storages'))}

    def members(self) -> None:
        """Pools that guests name exist by being named."""
        for guest in self.cluster.guests.values():
            pool = guest.extra.pop('pool', None)
            if pool:
                entry = self.cluster.pools.setdefault(pool, {'comment': '', 'vms': set(), 'storages': set()})
                entry['vms'].add(guest.vmid)

    def access(self) -> None:
        access = self.cluster.access
        for entry in self.of('groups'):
            access.groups[entry.text('groupid', required=True)] = {'comment': entry.text('comment', '')}
        for entry in self.of('roles'):
            access.roles[entry.text('roleid', required=True)] = set(entry.words('privs'))
        for entry in self.of('users'):
            self.add_user(entry)
        for entry in self.of('tokens'):
            self.add_token(entry)
        for entry in self.of('acl'):
            self.add_acl(entry)
        access.touch()

    def of(self, key: str) -> list[Place]:
        return [entry.mapping(FIELDS[key]) for entry in self.entry.entries(key)]

    def add_user(self, entry: Place) -> None:
        userid = entry.text('userid', required=True)
        if '@' not in userid:
            entry.fail(f"'{userid}' has no realm; write it as name@pve or name@pam", 'userid')
        user = {'enable': int(entry.flag('enable', True)), 'expire': entry.integer('expire', 0),
                'groups': set(entry.words('groups'))}
        for key in ('comment', 'email', 'firstname', 'lastname'):
            if key in entry.value:
                user[key] = entry.text(key)
        self.cluster.access.users[userid] = user
        self.cluster.access.passwords[userid] = entry.text('password', generate.PASSWORD)

    def add_token(self, entry: Place) -> None:
        tokenid = entry.text('tokenid', required=True)
        userid, mark, name = tokenid.partition('!')
        if not mark or userid not in self.cluster.access.users:
            entry.fail(f"'{tokenid}' is not a token of a user described here; write it as user@realm!name and list the user "
                       'under users', 'tokenid')
        token = {'privsep': int(entry.flag('privsep', True)), 'expire': entry.integer('expire', 0)}
        if 'comment' in entry.value:
            token['comment'] = entry.text('comment')
        self.cluster.access.tokens.setdefault(userid, {})[name] = token
        secret = entry.text('secret', generate.token_secret(self.seed, self.cluster.name, tokenid))
        self.cluster.access.secrets[tokenid] = secret

    def add_acl(self, entry: Place) -> None:
        rules = self.cluster.access.acl.setdefault(entry.text('path', required=True), {})
        roles = entry.words('roles')
        if not roles:
            entry.fail('an ACL entry needs roles', 'roles')
        for kind in ('users', 'groups', 'tokens'):
            for name in entry.words(kind):
                granted = rules.setdefault(kind, {}).setdefault(name, {})
                granted.update(dict.fromkeys(roles, entry.flag('propagate', True)))

    def generated(self) -> None:
        """`generate: {guests: n}` adds so many guests from the seed, on the storages that generated clusters have."""
        entry = self.entry.child('generate')
        if entry.value is None:
            return
        count = entry.mapping(('guests',)).integer('guests', 0)
        local = self.cluster.storages.get('local-lvm', {})
        if local.get('type') != 'lvmthin' or 'nodes' in local:
            entry.fail("guests are generated on a storage 'local-lvm' of type lvmthin on every node; describe it, or leave out "
                       'storages', 'guests')
        first = max((vmid for vmid in self.cluster.guests if vmid < FIRST_TEMPLATE), default=99)
        for team in generate.catalogue.TEAMS[:4]:
            self.cluster.pools.setdefault(team, {'comment': f'Guests of team {team}', 'vms': set(), 'storages': set()})
        Maker(self.cluster, self.dice, self.now, (self.number % 200) + 10).add(count, after=first)
        self.make_room()

    def make_room(self) -> None:
        """Let what lies below a storage grow where the generated guests would not fit."""
        for storeid, config in self.cluster.storages.items():
            for node in self.cluster.nodes.values():
                ground = backing(self.cluster, node, storeid, config)
                size = sum(volume.size for volume in storage.place(self.cluster, storeid, node.name).values())
                if ground and size > ground['total']:
                    ground['total'] = generate.usual_size(2 * size)
