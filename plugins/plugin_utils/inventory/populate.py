# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills Ansible's inventory with the guests and nodes of views: names, variables, groups."""

from __future__ import annotations

import collections
import functools
import itertools
import weakref

from ansible import template as ansible_template
from ansible.errors import AnsibleParserError
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.expressions import ExpressionError
from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.hosts import (
    RESERVED_HOSTS,
    check_preferences,
    distinct_groups,
    group_name,
    host_names,
    last_resorts,
    own_name,
    pool_groups,
    preferred_address,
)

# From ansible-core 2.19 on a text is a template only when it is marked as trusted; before, it has to be marked as unsafe.
TRUST_IS_EXPLICIT = hasattr(ansible_template, 'trust_as_template')

TELL_APART = 'Add a template to hostnames that tells them apart, such as "{{ name }}.{{ cluster }}".'
# {InventoryData: {host: the entry it stands for}}. Several files fill one inventory, and their guests are not to be merged either.
FILLED = weakref.WeakKeyDictionary()


def protected(value):
    """A value from the API (or made of such) that Ansible will never render as a template."""
    return value if TRUST_IS_EXPLICIT else wrap_var(value)


def compiled(where, compile_, text):
    """An expression of an option. Raises AnsibleParserError, which names the option, for what is no Jinja."""
    try:
        return compile_(text)
    except ExpressionError as error:
        raise AnsibleParserError(f'{where}: {error.message}') from None


def place_of(entry):
    return f'{entry["type"]} {entry.get("vmid") or entry["name"]} in cluster {entry["cluster"]}'


def identity(entry):
    """What a host stands for: kind, id and cluster."""
    return (entry['type'], str(entry.get('vmid') or entry['name']), 'in cluster', entry['cluster'])


class Populator:
    """One inventory source being filled.

    plugin: the inventory plugin (Constructable), whose own methods serve for what is rare. inventory: its InventoryData.
    options: all options of the plugin. expressions: plugin_utils.inventory.expressions.Expressions. warn: function(text).
    Raises AnsibleParserError, BadRequest.
    """

    def __init__(self, plugin, inventory, options, expressions, warn, extra=None):
        self.plugin = plugin
        self.inventory = inventory
        self.options = options
        self.warn = warn
        self.extra = extra or {}
        self.strict = options['strict']
        self.prefix = options['prefix']
        self.preferences = check_preferences(options['address_preference'])
        self.name_templates = [(str(one), compiled('hostnames', expressions.template, one)) for one in options['hostnames']]
        self.compose = {name: compiled(f'compose: {name}', expressions.expression, text) for name, text in options['compose'].items()}
        self.conditions = {name: compiled(f'groups: {name}', expressions.expression, text) for name, text in options['groups'].items()}
        self.keyed = [
            (entry, compiled('keyed_groups', expressions.expression, entry['key'])) for entry in options['keyed_groups'] if entry.get('key')
        ]
        self.failed_names = collections.defaultdict(list)
        self.refused_names = []
        self.filled = FILLED.setdefault(inventory, {})
        self.wanted_groups = frozenset(options['default_groups'])
        self.safe_group = functools.lru_cache(maxsize=None)(plugin._sanitize_group_name)
        self.group_names = {}
        self.known_groups = {}
        self.known_children = set()

    # --- all of them -------------------------------------------------------------------------------------------

    def fill(self, entries):
        """Add all entries (guests and nodes of all views)."""
        self.name_groups(entries)
        scopes = [self.scope(entry) for entry in entries]
        candidates = [self.candidates(entry, scope) for entry, scope in zip(entries, scopes, strict=True)]
        names, clashes = host_names(entries, candidates)
        self.tell_names(len(entries))
        if clashes:
            self.tell_clashes(clashes)
        for name, entry, scope in zip(names, entries, scopes, strict=True):
            self.filled[name] = identity(entry)
            self.add(name if '{' not in name else protected(name), entry, scope)

    def name_groups(self, entries):
        """The groups of clusters and nodes: in them, nothing of one cluster may end up with another."""
        places = {(entry['cluster'], entry['node']) for entry in entries if entry['node']}
        clusters = {('cluster', entry['cluster']) for entry in entries}
        prefix = self.options['group_prefix']
        self.group_names.update(distinct_groups(prefix, {*clusters, *(('node', *place) for place in places)}))
        for parts, name in sorted(self.group_names.items()):
            if parts[0] in self.wanted_groups and name != group_name(prefix + '_'.join(parts)):
                self.warn(f'the group of {parts[0]} {" ".join(parts[1:])} is {name}, since another one would have the same name.')

    def scope(self, entry):
        """What expressions see: the facts by their own names and as the variables that they become."""
        variables = {self.prefix + key: value for key, value in entry.items()}
        address = self.address(entry)
        if address:
            variables['ansible_host'] = address
        return {**entry, **variables, **self.extra}, variables

    def address(self, entry):
        if entry['type'] == 'node':
            return entry.get('address')
        return preferred_address(entry['addresses'], self.preferences) if entry.get('addresses') else None

    def candidates(self, entry, scope):
        """Possible names, best first; never none."""
        found = []
        for text, template in self.name_templates:
            try:
                name = template(scope[0]).strip()
            except ExpressionError as error:
                if self.strict:
                    raise AnsibleParserError(f'hostnames: {error.message}') from None
                self.failed_names[text].append(error.message)
                continue
            if name in RESERVED_HOSTS:
                self.refused_names.append((name, entry))
                found += last_resorts(name, entry)
            elif name:
                found.append(name)
        return self.not_of_others(entry, found or [own_name(entry)])

    def not_of_others(self, entry, names):
        """The names without those that another file has given to something else."""
        own = identity(entry)
        free = [name for name in names if self.filled.get(name, own) == own]
        if names[0] not in free:
            text = f'{place_of(entry)} would be the host {names[0]}, as would {" ".join(self.filled[names[0]])} of another inventory file'
            if self.options['on_duplicate'] == 'fail':
                raise AnsibleParserError(f'{text}. {TELL_APART}')
            self.warn(f'{text}; it got a longer name. {TELL_APART}')
        return free or list(last_resorts(names[0], entry))

    def tell_names(self, count):
        """Warn of templates that served for no host at all, and of names that no guest may have."""
        for messages in self.failed_names.values():
            if len(messages) == count:
                self.warn(f'hostnames: {messages[0]}. It gave no name for any host.')
        for name, entry in self.refused_names:
            self.warn(f'{place_of(entry)} does not become the host {name}, a name that Ansible keeps for itself.')

    def tell_clashes(self, clashes):
        name, entries = next(iter(sorted(clashes.items())))
        places = ' and '.join(map(place_of, entries[:3]))
        more = f' The same goes for {len(clashes) - 1} other names.' if len(clashes) > 1 else ''
        text = f'{places} would both be the host {name}'
        if self.options['on_duplicate'] == 'fail':
            raise AnsibleParserError(f'{text}.{more} {TELL_APART}')
        self.warn(f'{text}; each got a longer name.{more} Add a template to hostnames, or set on_duplicate: fail.')

    # --- one host ----------------------------------------------------------------------------------------------

    def add(self, host, entry, scope):
        seen, variables = scope
        self.inventory.add_host(host)
        # The host's own method: the inventory's looks for marks of trust and origin in every text, and ours have none.
        set_variable = self.inventory.get_host(host).set_variable
        for name, value in variables.items():
            set_variable(name, protected(value))
        for name, value in self.composed(host, seen):
            set_variable(name, protected(value))
            seen[name] = value
        for group in self.default_groups(entry):
            self.inventory.add_host(host, group)
        for group in self.conditional_groups(host, seen):
            self.inventory.add_host(host, group)
        for given, key in self.keyed:
            self.add_keyed(host, given, key, seen)

    def composed(self, host, seen):
        for name, expression in self.compose.items():
            try:
                yield name, expression(seen)
            except ExpressionError as error:
                if self.strict:
                    raise AnsibleParserError(f'compose: {name} of host {host}: {error.message}') from None

    def conditional_groups(self, host, seen):
        for name, expression in self.conditions.items():
            try:
                wanted = expression(seen)
                if not isinstance(wanted, bool):
                    raise ExpressionError(f'a condition is true or false, not {wanted!r}')
            except ExpressionError as error:
                if self.strict:
                    raise AnsibleParserError(f'groups: {name} for host {host}: {error.message}') from None
                continue
            if wanted:
                yield self.group(self.safe_group(name))

    def add_keyed(self, host, given, key, seen):
        """One entry of keyed_groups; what is not a plain text or list is left to Ansible's own rules."""
        try:
            value = key(seen)
        except ExpressionError as error:
            if self.strict:
                raise AnsibleParserError(f'keyed_groups: {given["key"]!r} for host {host}: {error.message}') from None
            return
        if value is None or value == '':
            if given.get('default_value') is None and not self.strict:
                return
            value = given.get('default_value')
        names = [value] if isinstance(value, str) else value
        parent = given.get('parent_group')
        if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names) or '{' in (parent or ''):
            self.plugin._add_host_to_keyed_groups([given], seen, host, self.strict, fetch_hostvars=False)
            return
        prefix, separator = given.get('prefix') or '', given.get('separator', '_')
        if not prefix and self.options['leading_separator'] is False:
            separator = ''
        for name in names:
            group = self.group(self.safe_group(f'{prefix}{separator}{name}'))
            self.inventory.add_host(host, group)
            if parent:
                self.child(self.group(self.safe_group(parent)), group)

    # --- groups ------------------------------------------------------------------------------------------------

    def default_groups(self, entry):
        """The groups that every host gets, as far as default_groups asks for them."""
        wanted, cluster = self.wanted_groups, entry['cluster']
        top = self.named('cluster', cluster) if 'cluster' in wanted else None
        if top:
            yield top
        if 'node' in wanted and entry['node']:
            group = self.named('node', cluster, entry['node'])
            if top:
                self.child(top, group)
            yield group
        for kind, value in (('type', entry['type']), ('status', entry['status']), ('os', entry.get('os_type'))):
            if kind in wanted and value:
                yield self.named(kind, value)
        if 'template' in wanted and entry.get('template'):
            yield self.group(group_name(f'{self.options["group_prefix"]}template'))
        if 'tag' in wanted:
            for tag in entry.get('tags') or ():
                yield self.named('tag', tag)
        if 'pool' in wanted and entry.get('pool'):
            yield self.pool(entry['pool'])

    def pool(self, pool):
        groups = [self.named('pool', part) for part in pool_groups(pool)]
        for outer, inner in itertools.pairwise(groups):
            self.child(outer, inner)
        return groups[-1]

    def named(self, *parts):
        """The group of this kind and name, made when it is new."""
        known = self.known_groups.get(parts)
        if known is None:
            name = self.group_names.get(parts) or group_name(self.options['group_prefix'] + '_'.join(parts))
            known = self.known_groups[parts] = self.group(name)
        return known

    def group(self, name):
        known = self.known_groups.get(name)
        if known is None:
            known = self.known_groups[name] = self.inventory.add_group(name)
        return known

    def child(self, parent, group):
        if (parent, group) not in self.known_children and parent != group:
            self.known_children.add((parent, group))
            self.inventory.add_child(parent, group)
