# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of many clusters at once: asked, from a cache, or what was seen last when a cluster does not answer."""

from __future__ import annotations

import dataclasses
import threading
import time
import typing

from ansible_collections.pve.fleet.plugins.module_utils.api.client import Client
from ansible_collections.pve.fleet.plugins.module_utils.api.errors import FleetError, Internal
from ansible_collections.pve.fleet.plugins.module_utils.fleet.fan_out import fan_out
from ansible_collections.pve.fleet.plugins.module_utils.fleet.snapshot import Wanted, read_view, view_of_snapshot

# How many clusters at once; each has its own limit of requests besides.
CLUSTERS_AT_ONCE = 16
NEVER = float('-inf')


@dataclasses.dataclass
class Kept:
    """What a cache has of a cluster: its view and when it was taken, and when asking failed last and why."""

    view: dict | None = None
    failed_at: float = NEVER
    failure: str = ''

    @property
    def taken_at(self):
        return self.view['taken_at'] if self.view else NEVER


@dataclasses.dataclass(frozen=True)
class Policy:
    """How views are had. Times in seconds.

    max_age: a kept view is used without asking up to this age, 0 for always asking. failure_age: a failure is not tried
    again for so long. on_error: 'stale', 'skip' or 'fail'. refresh: names of clusters that are asked in any case.
    concurrency: requests at once per cluster.
    """

    wanted: Wanted = dataclasses.field(default_factory=Wanted)
    keep: typing.Callable | None = None
    max_age: float = 0
    failure_age: float = 0
    on_error: str = 'stale'
    refresh: tuple = ()
    concurrency: int = 5


@dataclasses.dataclass
class Outcome:
    """What came of one target. view: None when there is nothing; warnings: sentences; fresh: it was asked now."""

    target: typing.Any
    view: dict | None = None
    warnings: list = dataclasses.field(default_factory=list)
    fresh: bool = False
    kept: Kept | None = None


def views(targets, policy, kept=None, snapshot_of=None, now=time.time):
    """An Outcome for each target, in their order.

    kept: {name: Kept} from a cache. snapshot_of: function(Target) -> registry Snapshot or None.
    Raises FleetError with on_error 'fail' when any cluster cannot be asked; RegistryError when its key does not fit.
    """
    kept = kept or {}
    guarded = locked(snapshot_of)
    results = fan_out(
        lambda target: view_of(target, policy, kept.get(target.name) or Kept(), guarded, now), targets, CLUSTERS_AT_ONCE
    )
    for result in results:
        if result.error is not None:
            raise result.error
    return [result.value for result in results]


def locked(function):
    """The same function for one thread at a time; None stays None."""
    if function is None:
        return lambda target: None
    lock = threading.Lock()

    def guarded(target):
        with lock:
            return function(target)

    return guarded


def view_of(target, policy, kept, snapshot_of, now):
    asked_anew = target.name in policy.refresh
    if not asked_anew and kept.view and now() - kept.taken_at < policy.max_age:
        return Outcome(target, kept.view, kept=kept)
    if not asked_anew and now() - kept.failed_at < policy.failure_age:
        error = Internal(f'{kept.failure} (seen {age_text(now() - kept.failed_at)} ago, not tried again yet)')
        return fallback(target, policy, kept, snapshot_of, error, now)
    try:
        view = ask(target, policy, kept, snapshot_of)
    except FleetError as error:
        if is_of_registry(error):
            # Not the cluster fails but the way to all of them: an inventory without hosts would hide it.
            raise
        outcome = fallback(target, policy, kept, snapshot_of, error, now)
        outcome.kept = Kept(kept.view, now(), error.message)
        return outcome
    return Outcome(target, view, told(view), True, Kept(view))


def is_of_registry(error):
    """Whether an error is the registry's (imported late: it is seldom asked)."""
    from ansible_collections.pve.fleet.plugins.module_utils.registry.faults import RegistryError

    return isinstance(error, RegistryError)


def ask(target, policy, kept, snapshot_of):
    """The view as the cluster gives it now. Raises FleetError."""
    connection = target.connect().replace(max_in_flight=policy.concurrency)
    client = Client(connection)
    try:
        return read_view(client, policy.wanted, policy.keep, lambda: names_of(target, kept, snapshot_of), target.name)
    finally:
        client.close()


def names_of(target, kept, snapshot_of):
    """{vmid: name} of earlier."""
    snapshot = snapshot_of(target)
    known = {int(row['vmid']): row.get('name') for row in (snapshot.guests if snapshot else ())}
    known.update({one['vmid']: one['name'] for one in (kept.view or {}).get('guests', ())})
    return {vmid: name for vmid, name in known.items() if name}


def fallback(target, policy, kept, snapshot_of, error, now):
    """What there is without the cluster. Raises the error with on_error 'fail'."""
    if policy.on_error == 'fail':
        raise error
    message = error.message.rstrip('.')
    if policy.on_error == 'skip':
        return Outcome(target, None, [f'cluster {target.name} is left out: {message}.'])
    view = kept.view
    if view is None:
        snapshot = snapshot_of(target)
        if snapshot is not None:
            view = view_of_snapshot(snapshot, target.name, policy.wanted.nodes, policy.keep)
    if view is None:
        return Outcome(target, None, [f'cluster {target.name} is left out, since nothing was seen of it before: {message}.'])
    age = age_text(now() - view['taken_at'])
    return Outcome(target, view, [f'cluster {target.name} is shown as it was {age} ago: {message}.'])


def told(view):
    """The problems of a view in a few sentences: one for each kind."""
    found = {}
    for one in view['problems']:
        found.setdefault(one['what'], []).append(one)
    return [sentence(view['cluster'], what, problems) for what, problems in found.items()]


def sentence(cluster, what, problems):
    named = sorted({str(one['name'] or one['vmid'] or one['node'] or '') for one in problems} - {''})
    some = ', '.join(named[:5]) + (f' and {len(named) - 5} more' if len(named) > 5 else '')
    count = f' of {len(problems)} guests' if len(problems) > 1 else ''
    first = problems[0]['message'].rstrip('.')
    if what == 'node':
        return f'cluster {cluster}: {len(problems)} guests were not asked ({some}): {first}.'
    return f'cluster {cluster}: {what}{count} could not be had ({some}): {first}.' if some else f'cluster {cluster}: {first}.'


def age_text(seconds):
    """'40 s', '12 min', '3 h', '2 days'."""
    for size, unit in ((172800, 'days'), (5400, 'h'), (90, 'min')):
        if seconds >= size:
            return f'{seconds / {"days": 86400, "h": 3600, "min": 60}[unit]:.0f} {unit}'
    return f'{max(0, seconds):.0f} s'
