#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage scheduled backups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_backup_job
short_description: Manage scheduled backups
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Makes, changes and deletes backup jobs.
  - 'The dashes of Proxmox VE are underscores in the options: C(prune-backups) is O(prune_backups).'
options:
  id:
    description: The name of the job.
    type: str
    required: true
  schedule:
    description: When it runs, as a calendar event such as V(mon..fri 02:00).
    type: str
  enabled:
    description: Whether it runs.
    type: bool
  storage:
    description: Where the backups go.
    type: str
  all:
    description: Whether all guests are backed up.
    type: bool
  vmid:
    description: The guests to back up, by vmid or name. They take the place of O(all) and O(pool).
    type: list
    elements: str
  membership:
    description:
      - What O(vmid) is to the guests that the job has already. V(exact) makes them the only ones, V(present) adds them,
        V(absent) takes them out.
    type: str
    choices: [present, absent, exact]
    default: exact
  pool:
    description: The pool whose guests are backed up.
    type: str
  exclude:
    description: The guests to leave out, with O(all).
    type: list
    elements: str
  node:
    description: The only node that it runs on.
    type: str
  mode:
    description: How guests are treated meanwhile.
    type: str
    choices: [snapshot, suspend, stop]
  compress:
    description: The compression.
    type: str
    choices: ['0', '1', gzip, lzo, zstd]
  comment:
    description: A text.
    type: str
  prune_backups:
    description: 'Which backups are kept, as a dictionary such as C({keep-daily: 7}) or as text.'
    type: raw
  remove_old:
    description: Whether old backups are deleted, C(remove) in the API.
    type: bool
  protected:
    description: Whether the backups are protected.
    type: bool
  repeat_missed:
    description: Whether a run that was missed is caught up.
    type: bool
  notes_template:
    description: The notes of the backups, such as V({{guestname}}).
    type: str
  mailto:
    description: Who gets a mail.
    type: list
    elements: str
  mailnotification:
    description: When there is a mail.
    type: str
    choices: [always, failure]
  notification_mode:
    description: How results are told.
    type: str
    choices: [auto, legacy-sendmail, notification-system]
  notification_policy:
    description: When a notification is sent; only Proxmox VE 8 has it.
    type: str
    choices: [always, failure, never]
  notification_target:
    description: Where it is sent; only Proxmox VE 8 has it.
    type: str
  exclude_path:
    description: Paths that containers leave out.
    type: list
    elements: str
  stdexcludes:
    description: Whether temporary files are left out.
    type: bool
  bwlimit:
    description: The limit of bandwidth, in KiB/s.
    type: int
  ionice:
    description: The priority of reading and writing, 0 to 8.
    type: int
  lockwait:
    description: Minutes to wait for the lock.
    type: int
  stopwait:
    description: Minutes to wait for a guest to stop.
    type: int
  pigz:
    description: Threads of gzip; V(0) for none.
    type: int
  zstd:
    description: Threads of zstd; V(0) for half of the cores.
    type: int
  fleecing:
    description: 'Backup fleecing, as a dictionary such as C({enabled: true, storage: local-lvm}) or as text.'
    type: raw
  performance:
    description: 'Limits of work, as a dictionary such as C({max-workers: 4}) or as text.'
    type: raw
  pbs_change_detection_mode:
    description: How changes are found for Proxmox Backup Server.
    type: str
    choices: [legacy, data, metadata]
  script:
    description: A hook script.
    type: str
  tmpdir:
    description: The folder for temporary files.
    type: path
  dumpdir:
    description: The folder for backups, instead of O(storage).
    type: path
  state:
    description: Whether the job shall exist.
    type: str
    choices: [present, absent]
    default: present
  remove:
    description: Names of settings to take away, so that they go back to their defaults.
    type: list
    elements: str
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.attributes.changes
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
seealso:
  - module: pve.fleet.pve_backup_job_info
"""

EXAMPLES = r"""
- name: Every night, a week long
  pve.fleet.pve_backup_job:
    cluster: prod
    id: nightly
    schedule: '02:00'
    storage: nas
    all: true
    mode: snapshot
    compress: zstd
    prune_backups: {keep-daily: 7}

- name: Pause it
  pve.fleet.pve_backup_job:
    cluster: prod
    id: nightly
    enabled: false

- name: Every Sunday, one machine
  pve.fleet.pve_backup_job:
    cluster: prod
    id: weekly
    schedule: 'sun 03:00'
    storage: nas
    vmid: [web-01]

- name: One more, beside those that the job has
  pve.fleet.pve_backup_job:
    cluster: prod
    id: weekly
    vmid: [web-02]
    membership: present
"""

RETURN = r"""
backup_job:
  description: The backup job as it is now, with the names and types of the options; C(null) when it was deleted.
  returned: success
  type: dict
  sample:
    id: nightly
    schedule: '02:00'
    storage: nas
    all: true
    enabled: true
    mode: snapshot
    compress: zstd
    comment: ''
changes:
  description: What was done, or would be done, in words.
  returned: success
  type: list
  elements: str
  sample: ['update backup job nightly: enabled']
diff:
  description: What differs, without secrets.
  returned: success
  type: dict
  sample: {before: {enabled: true}, after: {enabled: false}}
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: 'What was wrong, where, and what to do.', details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.resources.arguments import arguments
from ansible_collections.pve.fleet.plugins.module_utils.resources.backup_job import BACKUP_JOB
from ansible_collections.pve.fleet.plugins.module_utils.resources.module import module_run
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_backup_job',
    run=module_run(BACKUP_JOB),
    argument_spec=arguments(BACKUP_JOB),
    tier='admin',
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
