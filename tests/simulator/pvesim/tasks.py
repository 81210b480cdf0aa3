"""Tasks: generators that yield seconds of work, driven by the fleet's clock."""

from __future__ import annotations

import inspect
import itertools
import math
import os
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from .call import ApiError, TaskError
from .model.cluster import Cluster
from .model.fleet import Fleet

KEPT = 2000
INTERRUPTED = 'received interrupt'


@dataclass(slots=True)
class Task:
    """One worker of a node. lines: its log; exitstatus: None while it runs, then OK, 'WARNINGS: n' or the error."""

    upid: str
    node: str
    pid: int
    pstart: int
    starttime: int
    type: str
    id: str
    user: str
    lines: list[str] = field(default_factory=list)
    exitstatus: str | None = None
    endtime: int | None = None
    warnings: int = 0
    generator: Any = field(default=None, repr=False, compare=False)
    fleet: Any = field(default=None, repr=False, compare=False)
    waiters: list = field(default_factory=list, repr=False, compare=False)

    @property
    def running(self) -> bool:
        return self.exitstatus is None

    def log(self, line: str) -> None:
        """Append one line (or several, parted by newlines) to the log."""
        self.lines.extend(line.split('\n'))

    def warn(self, text: str) -> None:
        """Log a warning; the task will end with WARNINGS: n."""
        self.warnings += 1
        self.log(f'WARN: {text}')

    def progress(self, done: int, total: int, what: str = 'transferred') -> None:
        """Log done of total bytes as qemu-img's progress is shown: 'transferred 1.0 GiB of 4.0 GiB (25.00%)'."""
        share = 100.0 * done / total if total else 100.0
        self.log(f'{what} {size_text(done)} of {size_text(total)} ({share:.2f}%)')

    def now(self) -> float:
        return self.fleet.clock.now()


def size_text(size: float) -> str:
    """1572864 -> '1.5 MiB', as PVE's render_bytes."""
    unit = 0
    names = ('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')
    while size >= 1024 and unit < len(names) - 1:
        size, unit = size / 1024, unit + 1
    return f'{size:.1f} {names[unit]}' if unit else f'{int(size)}.0 B'


_pids = itertools.count(os.getpid() + 1000)


def encode_upid(node: str, pid: int, pstart: int, starttime: int, type: str, id: str, user: str) -> str:
    return f'UPID:{node}:{pid:08X}:{pstart:08X}:{starttime:08X}:{type}:{id}:{user}:'


def start(fleet: Fleet, cluster: Cluster, node: str, type: str, id: Any, user: str, worker: Callable) -> str:
    """Make a task and let it run from the next turn of the event loop; return its UPID."""
    now = fleet.clock.now()
    pid, starttime = next(_pids), int(now)
    pstart = int((now % 100000000) * 100) & 0xFFFFFFFF
    name = '' if id is None else str(id)
    task = Task(encode_upid(node, pid, pstart, starttime, type, name, user), node, pid, pstart, starttime, type, name,
                user, fleet=fleet)
    cluster.tasks[task.upid] = task
    forget_old(cluster)
    fleet.clock.call_after(0, lambda: begin(task, worker))
    return task.upid


def forget_old(cluster: Cluster) -> None:
    """Keep the number of finished tasks in bounds."""
    if len(cluster.tasks) <= KEPT + 200:
        return
    finished = [upid for upid, task in cluster.tasks.items() if not task.running]
    for upid in finished[: len(cluster.tasks) - KEPT]:
        del cluster.tasks[upid]


def begin(task: Task, worker: Callable) -> None:
    if not task.running:
        return
    fault = take_fault(task)
    task.generator = supervised(task, worker, fault)
    advance(task)


def take_fault(task: Task) -> dict | None:
    """The next fault of the control interface that fits this task's type and id, counted down."""
    faults = task.fleet.settings.get('task_faults', [])
    for fault in faults:
        if fault.get('type') in (None, task.type) and str(fault.get('id') or task.id) == task.id:
            fault['count'] = fault.get('count', 1) - 1
            if fault['count'] <= 0:
                faults.remove(fault)
            return fault
    return None


def supervised(task: Task, worker: Callable, fault: dict | None) -> Generator:
    """The worker with a fault of the control interface before or after its effect; it yields inf to hang."""
    action = fault['action'] if fault else None
    if action == 'fail' and not fault.get('after'):
        raise TaskError(fault.get('text') or 'simulated failure')
    if action == 'hang':
        yield math.inf
    result = worker(task)
    if inspect.isgenerator(result):
        yield from result
    if action == 'fail':
        raise TaskError(fault.get('text') or 'simulated failure')
    if action == 'warn':
        task.warn(fault.get('text') or 'simulated warning')


def advance(task: Task) -> None:
    """Run the worker up to its next wait."""
    if not task.running:
        return
    try:
        seconds = next(task.generator)
    except StopIteration:
        finish(task, f'WARNINGS: {task.warnings}' if task.warnings else 'OK')
    except (TaskError, ApiError) as error:
        finish(task, failure_text(error))
    except Exception as error:  # a fault of the simulator itself: it must show, not hang the task
        finish(task, f'pvesim: internal error: {type(error).__name__}: {error}')
        raise
    else:
        if seconds != math.inf:  # a task that hangs is never called again
            task.fleet.clock.call_after(float(seconds or 0), lambda: advance(task))


def failure_text(error: Exception) -> str:
    text = str(error).rstrip('\n')
    if isinstance(error, ApiError) and error.errors:
        text += ''.join(f'\n{name}: {detail}' for name, detail in error.errors.items())
    return text


def finish(task: Task, exitstatus: str) -> None:
    """End a task; the log's last line says how: an error of several lines becomes one."""
    exitstatus = exitstatus.replace('\n', ' ')
    if exitstatus == 'OK':
        task.lines.append('TASK OK')
    elif exitstatus.startswith('WARNINGS: '):
        task.lines.append(f'TASK {exitstatus}')
    else:
        task.lines.append(f'TASK ERROR: {exitstatus}')
    task.exitstatus = exitstatus
    task.endtime = int(task.now())
    task.generator = None
    for waiter in task.waiters:
        waiter(task)
    task.waiters.clear()


def stop(task: Task) -> None:
    """Interrupt a running task, as DELETE nodes/{node}/tasks/{upid} does."""
    if not task.running:
        return
    if task.generator is not None:
        task.generator.close()
    finish(task, INTERRUPTED)
