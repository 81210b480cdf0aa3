# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of the inventory plugin to views of clusters: selection, filters, cache."""

from __future__ import annotations

import contextlib
import json
import threading

from ansible.errors import AnsibleError, AnsibleParserError

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError
from ansible_collections.pve.fleet.plugins.module_utils.fleet.access import Access
from ansible_collections.pve.fleet.plugins.module_utils.fleet.snapshot import Wanted
from ansible_collections.pve.fleet.plugins.module_utils.fleet.targets import digest, targets
from ansible_collections.pve.fleet.plugins.module_utils.fleet.views import Kept, Policy, views
from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.expressions import ExpressionError
from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.hosts import group_name
from ansible_collections.pve.fleet.plugins.plugin_utils.inventory.populate import compiled

# Raised when what is kept changes its form.
CACHE_FORM = 2
PARTS = frozenset({'cluster', 'taken_at', 'guests', 'nodes', 'problems'})


class Filter:
    """include and exclude: which guests are wanted. For threads; remembers what failed."""

    def __init__(self, include, exclude, expressions, prefix, strict, extra=None):
        self.include = [(str(text), compiled('include', expressions.expression, text)) for text in include]
        self.exclude = [(str(text), compiled('exclude', expressions.expression, text)) for text in exclude]
        self.prefix = prefix
        self.extra = extra or {}
        self.strict = strict
        self.failed = {}
        self.lock = threading.Lock()

    @property
    def seen_extra(self):
        """The variables that decide besides what the list says."""
        return self.extra if self.include or self.exclude else {}

    def __call__(self, entry):
        """Raises AnsibleParserError with strict for an expression that fails."""
        if not self.include and not self.exclude:
            return True
        scope = {**entry, **{self.prefix + key: value for key, value in entry.items()}, **self.extra}
        return all(self.holds(one, scope) for one in self.include) and not any(self.holds(one, scope) for one in self.exclude)

    def holds(self, named, scope):
        text, expression = named
        try:
            value = expression(scope)
            if not isinstance(value, bool):
                raise ExpressionError(f'{text!r} gives {value!r}, but a filter is true or false')
        except ExpressionError as error:
            if self.strict:
                raise AnsibleParserError(f'include/exclude: {error.message}. It was tried on {scope["name"] or scope["vmid"]}.') from None
            with self.lock:
                self.failed.setdefault(text, [error.message, 0])[1] += 1
            return False
        return value

    @property
    def warnings(self):
        return [
            f'the filter {message} (on {count} guests, where it counts as not fulfilled).'
            for message, count in self.failed.values()
        ]


class Source:
    """What one inventory file asks for.

    options: all options of the plugin. cache: a mapping of texts to dictionaries, None without caching; use_cache: whether
    what it holds may be used instead of asking. resolve: function(secret_lookup) -> secret. extra: variables that filters see
    besides.
    """

    def __init__(self, options, expressions, cache=None, use_cache=True, cache_key='', resolve=None, extra=None):
        self.options = options
        self.cache = cache
        self.use_cache = use_cache
        self.cache_key = cache_key
        self.access = Access(options, resolve)
        filters = (options['include'], options['exclude'])
        self.filter = Filter(*filters, expressions, options['prefix'], options['strict'], extra)

    def outcomes(self):
        """fleet.views.Outcome of each cluster. Raises FleetError."""
        found = targets(self.access, self.options['clusters'])
        kept = {target.name: self.kept(target) for target in found} if self.cache is not None else {}
        done = views(found, self.policy(), kept, self.snapshot)
        if self.cache is not None:
            self.keep(done)
        return done

    def policy(self):
        options, gather = self.options, self.options['gather']
        cached = self.cache is not None and self.use_cache
        return Policy(
            wanted=Wanted(
                config='config' in gather,
                network='network' in gather,
                snapshots='snapshots' in gather,
                nodes=options['nodes'],
                agent_timeout=options['agent_timeout'],
            ),
            keep=self.filter,
            max_age=options['cache_timeout'] or float('inf') if cached else 0,
            failure_age=options['failure_timeout'] if cached else 0,
            on_error=options['on_error'],
            refresh=tuple(options['refresh']),
            concurrency=options['concurrency'],
        )

    def snapshot(self, target):
        """The registry's snapshot of a target, None where there is none or it cannot be read."""
        if target.record is None:
            return None
        with contextlib.suppress(FleetError):
            return self.access.registry.snapshot(target.record.id)
        return None

    # --- cache -------------------------------------------------------------------------------------------------

    def key(self, target):
        """Where a cluster's view is kept: another selection of facts or filter is another view."""
        options = self.options
        filters = [options['include'], options['exclude'], options['prefix'], self.filter.seen_extra]
        asked = [sorted(options['gather']), options['nodes'], *filters, CACHE_FORM]
        return f'{self.cache_key}_{group_name(target.name)}_{digest([target.identity, asked])}'

    def kept(self, target):
        """What the cache has of a target; what cannot be read there is as if it were not."""
        try:
            found = self.cache.get(self.key(target)) or {}
            view = json.loads(found['view']) if found.get('view') else None
            if view is not None and not (set(view) >= PARTS and isinstance(view['taken_at'], float)):
                view = None
            return Kept(view, float(found.get('failed_at') or 0), str(found.get('failure') or ''))
        except (AnsibleError, ValueError, TypeError, KeyError, AttributeError):
            return Kept()

    def keep(self, outcomes):
        """Put what was asked now into the cache. The view is one text: cache plugins look at each value of a structure."""
        for outcome in outcomes:
            kept, key = outcome.kept, self.key(outcome.target)
            if outcome.fresh:
                self.cache[key] = {'cluster': outcome.target.name, 'view': json.dumps(kept.view, separators=(',', ':'))}
            elif kept is not None and kept.failure:
                self.cache[key] = {
                    'cluster': outcome.target.name,
                    'view': json.dumps(kept.view, separators=(',', ':')) if kept.view else None,
                    'failed_at': kept.failed_at,
                    'failure': kept.failure,
                }
