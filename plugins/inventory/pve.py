# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests and nodes of many Proxmox VE clusters as an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pve
short_description: Guests and nodes of many Proxmox VE clusters
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes hosts of the virtual machines, containers and, if wanted, nodes of all registered clusters, of some of them, or of
    clusters described in the file itself.
  - Asks one request per cluster (two with O(nodes=true)), and one to three for each guest that passes O(include) and
    O(exclude) where O(gather) asks for more than the cluster's list says. Clusters and guests are asked at once.
  - A cluster that is down, a guest agent that hangs or a guest that fails is told in a warning and does not touch the others.
    Guests on a node that is offline stay in the inventory with the status V(unknown).
  - The file's name must end in C(pve.yml) or C(pve.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices: [pve.fleet.pve]
  clusters:
    description:
      - Which clusters. V(all) registered ones, a list of names, or a dictionary with the keys C(names), C(labels) and
        C(status), all of which a cluster has to match.
      - An entry of the list may also be a dictionary that describes a cluster that is not registered, with the keys C(name),
        C(api_host) or C(endpoints), C(api_user), C(api_password), C(api_token_id), C(api_token_secret), C(validate_certs),
        C(ca_path), C(fingerprint). Its values may be templates. A single one may stand without the list.
      - When not given, the host of O(api_host) or E(PVE_HOST), else the cluster of O(cluster) or E(PVE_CLUSTER), else all
        registered clusters.
    type: raw
  cluster:
    description: One registered cluster; see O(clusters).
    type: str
  api_host:
    description: A node of one cluster that is not registered; see O(clusters). Several nodes are separated by commas.
    type: str
  api_port:
    description: The port of the API; C(8006) or E(PVE_PORT) when not given.
    type: int
  api_user:
    description: The user with its realm; E(PVE_USER) when not given.
    type: str
  api_password:
    description: The user's password; E(PVE_PASSWORD) when not given.
    type: str
  api_token_id:
    description: The id of an API token; E(PVE_TOKEN_ID) when not given.
    type: str
  api_token_secret:
    description: The secret of the API token; E(PVE_TOKEN_SECRET) when not given.
    type: str
  validate_certs:
    description: Whether the server's certificate is verified; E(PVE_VALIDATE_CERTS) or V(true) when not given.
    type: bool
  ca_path:
    description: A file with the certificates of the authorities to trust; E(PVE_CA_PATH) when not given.
    type: path
  fingerprint:
    description: The SHA-256 fingerprint of the server's certificate; E(PVE_FINGERPRINT) when not given.
    type: str
  connect_timeout:
    description: Seconds to wait for a connection.
    type: float
    default: 5.0
  read_timeout:
    description: Seconds to wait for an answer.
    type: float
    default: 35.0
  registry_url:
    description: Where the registry of clusters is; E(PVE_REGISTRY_URL) when not given (see M(pve.fleet.pve_cluster_registry)).
    type: str
  registry_key:
    description: The key of the registry; E(PVE_REGISTRY_KEY) when not given.
    type: str
  registry_key_file:
    description: A file with the key of the registry; E(PVE_REGISTRY_KEY_FILE) when not given.
    type: path
  nodes:
    description: Whether the nodes are hosts as well. They get their management address as C(ansible_host).
    type: bool
    default: false
  gather:
    description:
      - What to ask of each guest besides what the cluster's list says.
      - V(config) adds its configuration in the form in which M(pve.fleet.pve_vm) and M(pve.fleet.pve_container) return it.
      - V(network) adds its addresses by interface, from the guest agent or the container's interfaces where it runs, else
        from cloud-init or the container's configuration. An agent that is not enabled is not asked.
      - V(snapshots) adds its snapshots in the form in which M(pve.fleet.pve_snapshot) returns them.
    type: list
    elements: str
    choices: [config, network, snapshots]
    default: []
  include:
    description:
      - Jinja expressions that all must be true for a guest to be in the inventory, such as C(status == 'running') or
        C('web' in tags). Nodes are not filtered.
      - They see what the cluster's list says - C(cluster), C(vmid), C(name), C(node), C(type) (C(qemu) or C(lxc)), C(status),
        C(template), C(tags), C(pool), C(lock), C(ha_state), C(cpus), C(cpu), C(memory), C(memory_used), C(disk),
        C(disk_used), C(uptime) - and extra variables with O(use_extra_vars=true), and are evaluated before any guest is asked.
      - One that fails for a guest counts as not fulfilled, with a warning; with O(strict=true) it is an error.
    type: list
    elements: str
    default: []
  exclude:
    description: Jinja expressions of which none may be true; as O(include).
    type: list
    elements: str
    default: []
  hostnames:
    description:
      - Jinja templates for the name of a host. The first counts that is not empty and that no other host wants.
      - A guest without any is named after its type and id, such as C(qemu-104). No guest becomes C(localhost), C(127.0.0.1),
        C(::1), C(all) or C(ungrouped), which mean something to Ansible; its cluster is appended.
    type: list
    elements: str
    default: ['{{ name }}']
  on_duplicate:
    description:
      - What happens to hosts of equal names (in two clusters, say) after all of O(hostnames). They are never merged.
      - V(suffix) appends the cluster, and the id if need be, to the names of all of them, and warns.
    type: str
    choices: [suffix, fail]
    default: suffix
  prefix:
    description:
      - What the names of the variables begin with. Expressions see them with and without it.
      - With an empty one, Ansible warns of C(name) and C(tags), which are words of its playbooks.
    type: str
    default: pve_
  group_prefix:
    description: What the names of the groups of O(default_groups) begin with.
    type: str
    default: pve_
  default_groups:
    description:
      - Which groups are made for all hosts, such as C(pve_cluster_prod), C(pve_node_prod_pve1) within it, C(pve_type_qemu),
        C(pve_status_running), C(pve_pool_shop_web) within C(pve_pool_shop), C(pve_tag_web), C(pve_template), C(pve_os_l26).
      - V(os) needs V(config) or V(network) in O(gather).
    type: list
    elements: str
    choices: [cluster, node, type, status, pool, tag, template, os]
    default: [cluster, node, type, status, pool, tag, template, os]
  address_preference:
    description:
      - Which address becomes C(ansible_host) where V(network) is in O(gather), best first. An entry has the keys C(interface)
        (a name, as in the configuration where that is known, or a pattern), C(family) (C(ipv4) or C(ipv6)) and C(cidr),
        all of which must match. Link-local addresses never count.
      - An empty list leaves C(ansible_host) alone.
    type: list
    elements: dict
    default:
      - {interface: 'net*', family: ipv4}
      - {family: ipv4}
      - {interface: 'net*', family: ipv6}
      - {family: ipv6}
  agent_timeout:
    description: Seconds to wait for the answer of a guest agent. The server itself gives up after three.
    type: float
    default: 5.0
  concurrency:
    description: How many requests are under way at once per cluster; in all there are never more than 64.
    type: int
    default: 5
  on_error:
    description:
      - What happens when a cluster cannot be asked.
      - V(stale) shows it as the cache or the registry saw it last, with a warning that says when; V(skip) leaves it out with a
        warning; V(fail) ends with an error.
    type: str
    choices: [stale, skip, fail]
    default: stale
  failure_timeout:
    description: With O(cache=true), how many seconds a cluster that failed is not asked again.
    type: int
    default: 60
  refresh:
    description:
      - Names of clusters that are asked even though the cache has them.
      - Taken from E(PVE_INVENTORY_REFRESH), separated by commas, when not given.
    type: list
    elements: str
    default: []
    env: [{name: PVE_INVENTORY_REFRESH}]
notes:
  - Texts from the API, such as descriptions and tags, are data. They are never rendered as templates.
  - With O(cache=true) each cluster is kept on its own, with the time when it was asked; what is older than O(cache_timeout)
    stays in the cache as what O(on_error=stale) shows.
  - Nothing is written without O(cache=true), neither in the home directory nor in the registry. So the plugin runs in AWX with
    the environment variables or files of a custom credential type.
requirements:
  - requests and proxmoxer
  - sqlalchemy >= 2.0, alembic and cryptography where the registry is used
seealso:
  - module: pve.fleet.pve_cluster_registry
  - module: pve.fleet.pve_node_facts
"""

EXAMPLES = r"""
# fleet.pve.yml: all running guests of all registered clusters
plugin: pve.fleet.pve
clusters: all
nodes: true
gather: [config, network]
include: ["status == 'running'"]
hostnames: ["{{ name }}", "{{ name }}.{{ cluster }}"]
keyed_groups: [{key: tags, prefix: tag}]
compose: {ansible_user: "'ops'"}
on_error: stale

---
# seoul.pve.yml: the clusters in Seoul, from a cache that is five minutes old at most
plugin: pve.fleet.pve
clusters: {labels: {site: seoul}}
exclude: [template, "'lab' in tags"]
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/ansible/pve
cache_timeout: 300

---
# lab.pve.yml: a cluster that is not registered; management addresses only
plugin: pve.fleet.pve
clusters:
  - name: lab
    endpoints: [{host: 10.0.0.11}, {host: 10.0.0.12}]
    api_token_id: fleet@pve!viewer
    api_token_secret: "{{ lookup('ansible.builtin.env', 'LAB_TOKEN') }}"
    ca_path: /etc/ansible/lab-ca.pem
gather: [network]
address_preference: [{cidr: 10.0.0.0/8}, {interface: net1, family: ipv4}]

---
# awx.pve.yml: everything comes from PVE_HOST, PVE_TOKEN_ID and PVE_TOKEN_SECRET
plugin: pve.fleet.pve
groups:
  databases: "'db' in tags and status == 'running'"
"""

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable, get_cache_plugin

from ansible_collections.pve.fleet.plugins.plugin_utils.bytecode import kept

with kept():
    from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
    from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.checks import check_options, unknown_options
    from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.expressions import Expressions
    from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.populate import Populator
    from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.source import Source
    from ansible_collections.pve.fleet.plugins.plugin_utils.plain import plain
    from ansible_collections.pve.fleet.plugins.plugin_utils.secret_lookup import make_resolver

# Options whose values may be templates.
TEMPLATED = (
    'clusters', 'cluster', 'api_host', 'api_user', 'api_password', 'api_token_id', 'api_token_secret', 'ca_path',
    'fingerprint', 'registry_url', 'registry_key', 'registry_key_file',
)  # fmt: skip


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the options; what is done with them is in module_utils/fleet and plugin_utils/inventory."""

    NAME = 'pve.fleet.pve'

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(('pve.yml', 'pve.yaml'))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        given = self._read_config_data(path)
        options = self.all_options()
        for text in unknown_options(map(str, given), options):
            self.warn(text)
        try:
            check_options(options)
            self.fill(options, path, cache)
        except FleetError as error:
            raise AnsibleParserError(error.message) from None

    def fill(self, options, path, cache):
        expressions = Expressions(self._compose, self.rendered)
        extra = plain(self._vars) if options['use_extra_vars'] else None
        populator = Populator(self, self.inventory, options, expressions, self.warn, extra)
        store = self.cache_store(options) if options['cache'] else None
        resolve = make_resolver(self.loader, self.templar)
        source = Source(options, expressions, store, cache, self.get_cache_key(path), resolve, extra)
        with kept():  # the registry is imported where it is used
            outcomes = source.outcomes()
        if not outcomes:
            self.warn(self.no_clusters(options['clusters']))
        for text in [one for outcome in outcomes for one in outcome.warnings] + source.filter.warnings:
            self.warn(text)
        entries = [one for outcome in outcomes if outcome.view for one in (*outcome.view['guests'], *outcome.view['nodes'])]
        populator.fill(entries)

    def no_clusters(self, selection):
        if selection in (None, 'all'):
            return 'no cluster is registered, and neither clusters nor PVE_HOST names one: there are no hosts.'
        return f'no registered cluster fits clusters: {selection}; there are no hosts.'

    def all_options(self):
        """All options as plain values; those that may be templates are rendered."""
        found = {}
        for name, value in self.get_options().items():
            if name in TEMPLATED and value is not None:
                value = self.templar.template(value)
            # Expressions keep the mark by which Ansible trusts them as templates.
            kept = name in ('include', 'exclude', 'hostnames', 'compose', 'groups', 'keyed_groups')
            found[name] = value if kept else plain(value)
        return found

    def cache_store(self, options):
        """The cache; its entries never expire there, since an old one still serves when a cluster is down."""
        settings = {'_uri': options.get('cache_connection'), '_prefix': options.get('cache_prefix'), '_timeout': 0}
        given = {name: value for name, value in settings.items() if value is not None}
        self._cache = get_cache_plugin(options['cache_plugin'], **given)
        return self._cache

    def rendered(self, text, variables):
        self.templar.available_variables = variables
        return self.templar.template(text)

    def warn(self, text):
        self.display.warning(f'pve.fleet.pve: {text}')
