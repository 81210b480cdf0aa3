"""A guest: a virtual machine or a container."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Guest:
    """config: as in the .conf file, with the types that the API shows (memory '512', cores 2, onboot 1).

    pending: values that wait for a restart; pending_delete: {option: 1 if forced, else 0}; snapshots: by name, each a
    configuration with snaptime, description, parent; running_config: what the process runs with (None while stopped);
    agent: what the guest agent answers beside what is made up, all optional: hostname, interfaces (as the agent lists
    them), files ({path: text}), exec ({command: {exitcode, out, err}}), users (names), results ({command: answer}),
    down (true: it does not answer); None for nothing of its own;
    installed: an operating system with a guest agent is on its disks (agent None: its answers are made up from the
    configuration); extra: 'cloudinit' (values of the drive that differ from the configuration), 'flock' (holders of
    the lock file), and whatever else behaviour keeps.
    """

    vmid: int
    kind: str
    node: str
    config: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, Any] = field(default_factory=dict)
    pending_delete: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, dict] = field(default_factory=dict)
    running: bool = False
    qmpstatus: str = 'stopped'
    running_config: dict[str, Any] | None = None
    started_at: float = 0.0
    created_at: float = 0.0
    agent: dict[str, Any] | None = None
    installed: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def lock(self) -> str | None:
        return self.config.get('lock')

    @property
    def template(self) -> bool:
        return bool(self.config.get('template'))

    def digest(self) -> str:
        """SHA-1 over the whole configuration, as of the file."""
        parts = [sorted(part.items()) for part in (self.config, self.pending, self.pending_delete)]
        parts.append([(name, sorted(snapshot.items())) for name, snapshot in sorted(self.snapshots.items())])
        parts.append(sorted(self.extra.get('cloudinit', {}).items()))
        return hashlib.sha1(repr(parts).encode()).hexdigest()

    def merged(self) -> dict[str, Any]:
        """The configuration with pending changes applied."""
        config = {key: value for key, value in self.config.items() if key not in self.pending_delete}
        config.update(self.pending)
        return config

    def begin_running(self, now: float, qmpstatus: str = 'running') -> None:
        """Mark as running since `now` (seconds since 1970) with the current configuration; one that moved may be paused."""
        self.running, self.qmpstatus, self.started_at = True, qmpstatus, now
        self.running_config = dict(self.config)

    def end_running(self) -> None:
        self.running, self.qmpstatus, self.started_at = False, 'stopped', 0.0
        self.running_config = None
