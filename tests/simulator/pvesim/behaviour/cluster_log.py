"""The cluster's log: what was put into it, and the beginnings and ends of tasks."""

from __future__ import annotations

from ..call import Call, operation


def entries(call: Call) -> list[dict]:
    """All entries, oldest first: {time, node, user, tag, pri, pid, msg}."""
    found = [dict(entry) for entry in call.cluster.log]
    for task in call.cluster.tasks.values():
        common = {'node': task.node, 'user': task.user, 'tag': 'pvedaemon', 'pri': 6, 'pid': task.pid}
        found.append({**common, 'time': task.starttime, 'msg': f'starting task {task.upid}'})
        if task.endtime is not None:
            failed = task.exitstatus != 'OK' and not task.exitstatus.startswith('WARNINGS')
            found.append({**common, 'time': int(task.endtime), 'pri': 3 if failed else 6,
                          'msg': f'end task {task.upid} {task.exitstatus}'})
    return sorted(found, key=lambda entry: entry['time'])


@operation('GET', '/cluster/log')
def index(call: Call) -> list[dict]:
    """Newest first; without Sys.Audit on / the caller's own only."""
    audit = call.may('/', 'Sys.Audit')
    found = [{**entry, 'uid': str(number), 'id': f'{number}:{entry["node"]}'}
             for number, entry in enumerate(entries(call), 1)]
    seen = [entry for entry in reversed(found) if audit or entry['user'].split('!')[0] == call.user]
    return seen[:call.params.get('max', 50)]
