"""What a handler gets and gives: Call, Answer, ApiError, ParameterError, TaskError and the @operation decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import Clock
    from .model.cluster import Cluster
    from .model.fleet import Fleet
    from .model.guest import Guest
    from .model.node import Node
    from .tables import Operation

ROOT = 'root@pam'
RELEASES = ('7.4', '8.4', '9')
CONFIG_FOLDERS = {'qemu': 'qemu-server', 'lxc': 'lxc'}

# (release, method, path) -> handler
HANDLERS: dict[tuple[str, str, str], Callable[[Call], Any]] = {}


class ApiError(Exception):
    """An answer of 400 and above.

    `ApiError(403, 'text')`, or `ApiError('text')` for a 500. `errors` maps parameters to texts; with body=False the
    answer has an empty body (401 of the proxy, 595).
    """

    def __init__(self, status: int | str, message: str | None = None, errors: dict | None = None, body: bool = True):
        if isinstance(status, str):
            status, message = 500, status
        self.status, self.message, self.errors, self.body = status, message or '', errors, body
        self.delay = 0.0  # seconds of the clock that pass before the answer
        self.newline = True
        super().__init__(self.message)


class ParameterError(ApiError):
    """400 "Parameter verification failed." with a text per parameter."""

    def __init__(self, errors: dict[str, str]):
        super().__init__(400, 'Parameter verification failed.', errors)


class TaskError(Exception):
    """Raised in a task's worker: the task ends with this text as its exit status."""


class Answer:
    """A result with keys beside `data` (total, changes), or one that is not JSON (content: bytes, content_type)."""

    __slots__ = ('content', 'content_type', 'data', 'extra')

    def __init__(self, data: Any = None, extra: dict | None = None, content: bytes | None = None,
                 content_type: str = 'application/json;charset=UTF-8'):
        self.data, self.extra, self.content, self.content_type = data, extra, content, content_type


def operation(method: str, path: str, releases: tuple[str, ...] | None = None) -> Callable:
    """Register the decorated function as the behaviour of `method path` (path as in the tables, with {names}).

    Decorators may be stacked: one function may serve several paths. releases=None: every release that has it.
    """

    def register(handler: Callable[[Call], Any]) -> Callable[[Call], Any]:
        for release in releases or RELEASES:
            HANDLERS[release, method, path] = handler
        return handler

    return register


class Call:
    """One checked request on its way through a handler.

    params: validated and typed values by name, path parameters included; given: the names that the client sent;
    raw: the values as they came (strings of a form; PVE hands some of them back unconverted);
    authid: 'root@pam' or 'user@realm!token'; user: authid without the token; node: the Node of a {node} path or None.
    """

    __slots__ = ('authid', 'cluster', 'delay', 'fleet', 'given', 'headers', 'here', 'node', 'operation', 'params',
                 'path', 'raw', 'upload', 'user')

    def __init__(self, fleet: Fleet, cluster: Cluster, operation: Operation, authid: str, params: dict, given: set):
        self.fleet, self.cluster, self.operation = fleet, cluster, operation
        self.authid, self.params, self.given = authid, params, given
        self.user = authid.split('!', 1)[0]
        self.node: Node | None = None
        self.here: Node | None = None  # the node whose port was asked
        self.raw: dict = params
        self.path = operation.path
        self.upload: dict | None = None  # {'filename': str, 'size': int, 'content': bytes (the first MiB), ...}
        self.headers: Any = {}
        self.delay = 0.0

    @property
    def release(self) -> str:
        return self.cluster.release

    @property
    def clock(self) -> Clock:
        return self.fleet.clock

    @property
    def is_root(self) -> bool:
        """root@pam itself, not one of its tokens."""
        return self.authid == ROOT

    def may(self, path: str, *privileges: str, any: bool = False) -> bool:
        """Whether the caller holds all (any=True: one) of the privileges on the path; a list is taken too."""
        from .access.permissions import check

        return check(self.cluster, self.authid, path, flatten(privileges), any)

    def require(self, path: str, *privileges: str, any: bool = False) -> None:
        """Raise the 403 of PVE unless may(...)."""
        from .access.permissions import require

        require(self.cluster, self.authid, path, flatten(privileges), any)

    def guest(self, kind: str, vmid: int | None = None) -> Guest:
        """The guest of params['vmid'] on this node, else the 500 of PVE."""
        vmid = self.params['vmid'] if vmid is None else vmid
        guest = self.cluster.guests.get(vmid)
        if guest is None or guest.kind != kind or guest.node != self.node.name:
            name = f'nodes/{self.node.name}/{CONFIG_FOLDERS[kind]}/{vmid}.conf'
            raise ApiError(500, f"Configuration file '{name}' does not exist")
        return guest

    def task(self, type: str, id: Any, worker: Callable, node: str | None = None) -> str:
        """Start a task on this call's node (or `node`) and return its UPID.

        worker: a generator function of one Task; it yields seconds of work, calls task.log/progress/warn, and may
        raise TaskError or ApiError to fail. It starts after the answer was made.
        """
        from .tasks import start

        name = node or (self.node or self.here).name
        return start(self.fleet, self.cluster, name, type, id, self.authid, worker)

    def answer_after(self, seconds: float) -> None:
        """Hold back the answer for so many seconds of the clock (time-outs that PVE waits for)."""
        self.delay += seconds


def flatten(privileges: tuple) -> list[str]:
    wanted: list[str] = []
    for item in privileges:
        wanted.extend([item] if isinstance(item, str) else item)
    return wanted
