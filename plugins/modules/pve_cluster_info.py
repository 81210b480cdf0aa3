#!/usr/bin/python
# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health, capacity and use of clusters."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pve_cluster_info
short_description: Health, capacity and use of Proxmox VE clusters
version_added: 0.1.0
author: pve.fleet contributors (@pve-fleet)
description:
  - Judges one, several or all registered clusters and says why, in findings with stable codes. Each code and its remedy is in
    C(docs/health.md).
  - Returns what there is, what is used and what guests were promised, per node, storage and pool, the versions, and the tasks
    that failed of late.
  - On request, stores a sample in the registry and writes files for Prometheus.
  - A cluster that does not answer is V(unknown) with the code C(unreachable) and does not fail the others.
  - By default seven requests per cluster and four per node; fewer with O(checks).
options:
  checks:
    description:
      - Which checks are run, by their codes; C(!code) leaves one out. V(default) is all but C(updates_pending), which needs
        the privilege Sys.Modify; V(all) is all.
      - What a check needs is read only when it is run. A check whose data the credential may not read is in C(skipped).
    type: list
    elements: str
    default: [default]
  ignore:
    description:
      - Findings that are known and do not count, as a code, or C(code:object) for one object, such as
        C(storage_nearly_full:backup). They are returned in C(ignored).
    type: list
    elements: str
    default: []
  thresholds:
    description:
      - Limits other than the default ones. C(storage_percent) (85), C(storage_critical_percent) (95), C(root_disk_percent)
        (90), C(memory_percent) (90), C(memory_allocated_percent) (150), C(certificate_days) (21), C(clock_seconds) (5),
        C(task_hours) (24), C(lock_hours) (24), C(updates) (0).
    type: dict
    default: {}
  min_nodes:
    description: How many nodes a cluster has to have at least; by default what its registration says, else 3.
    type: int
  store_sample:
    description:
      - Whether to store the figures of all nodes, guests and storages in the registry, together with the state of health and
        the last seen guests, which the inventory falls back on.
      - A measurement is no change of what is managed, so it is neither reported as a change nor written to the audit log.
    type: bool
    default: false
  keep_days:
    description: Samples of any cluster that are older are deleted when one is stored. V(1) at least.
    type: int
    default: 30
  history_hours:
    description: Return the samples that were stored within so many hours, as C(history) of each registered cluster.
    type: int
    default: 0
  history_objects:
    description:
      - Of which objects O(history_hours) returns samples, by their names or patterns of such - C(node/pve1), C(storage/pve1/local),
        C(qemu/104), C(lxc/*).
    type: list
    elements: str
    default: [node/*, storage/*]
  prometheus_file:
    description: A file to write metrics to, in the text format that Prometheus' node exporter collects. It should end in C(.prom).
    type: path
  file_sd_file:
    description:
      - A file to write a list of all guests and nodes to, which Prometheus reads with C(file_sd_configs). It should end in
        C(.json). What it says of a cluster that does not answer is kept.
      - The labels begin with C(__meta_pve_); C(docs/health.md) lists them, and the metrics of O(prometheus_file).
    type: path
  file_sd_port:
    description: The port of the targets in O(file_sd_file).
    type: int
    default: 9100
  file_sd_addresses:
    description: Whether the targets are addresses, for which each guest is asked; else they are names.
    type: bool
    default: false
extends_documentation_fragment:
  - pve.fleet.attributes
  - pve.fleet.clusters
  - pve.fleet.connection
  - pve.fleet.connection.times
  - pve.fleet.registry
attributes:
  check_mode:
    support: full
    description: Tells whether files would be written; writes and stores nothing.
  diff_mode:
    support: none
    description: Files of figures differ each time.
seealso:
  - module: pve.fleet.pve_node_facts
  - module: pve.fleet.pve_cluster_registry_info
"""

EXAMPLES = r"""
- name: How are the clusters
  pve.fleet.pve_cluster_info:
  register: fleet

- name: Stop where something is critical, or cannot be told
  ansible.builtin.assert:
    that: fleet.summary.status in ['healthy', 'degraded']
    fail_msg: "{{ fleet.clusters | map(attribute='reasons') | flatten | map(attribute='message') | join(' ') }}"

- name: A monitoring check of one cluster, with a known finding left out
  pve.fleet.pve_cluster_info:
    cluster: prod
    ignore: ["storage_nearly_full:backup", not_backed_up]
    thresholds: {storage_percent: 80, certificate_days: 14}

- name: How a storage filled up within a week
  pve.fleet.pve_cluster_info:
    cluster: prod
    checks: [storage_full]
    history_hours: 168
    history_objects: [storage/*/ceph]

- name: Store a sample and write metrics and targets for Prometheus
  pve.fleet.pve_cluster_info:
    checks: [all]
    store_sample: true
    prometheus_file: /var/lib/prometheus/node-exporter/pve.prom
    file_sd_file: /etc/prometheus/targets/pve.json
"""

RETURN = r"""
clusters:
  description:
    - The clusters by name. C(status) is V(healthy), V(degraded), V(unhealthy) or V(unknown).
    - C(reasons) are the findings that count, C(ignored) those of O(ignore), C(skipped) the checks that could not be made, or not
      of all nodes.
    - C(version) is that of the node that answered, C(versions) those of all nodes where the check C(versions_differ) is run.
    - C(history) is there with O(history_hours) - the stored samples by object, the oldest first.
    - C(failed_tasks) are the last ones within the threshold C(task_hours), at most 20.
  returned: success
  type: list
  elements: dict
  sample:
    - name: prod
      status: degraded
      reasons:
        - {code: storage_nearly_full, severity: warning, object: ceph, message: Storage ceph is 88 % full.}
      ignored: []
      skipped: []
      version: 9.2.11
      versions: {pve1: 9.2.11}
      quorate: true
      nodes:
        - {name: pve1, ip: 10.0.0.11, online: true, local: true}
      labels: {site: seoul}
      capacity:
        cpus: {total: 96, used: 11.52, allocated: 120}
        memory: {total: 811748818944, used: 243524645683, allocated: 257698037760}
        nodes:
          - {node: pve1, status: online, cpus: 32, cpus_allocated: 40, memory: 270582939648, memory_allocated: 85899345920, running: 10}
        storages:
          - {storage: ceph, node: null, type: rbd, shared: true, status: available, total: 4398046511104, used: 3870280929771, share: 0.88}
        pools:
          shop: {guests: 12, running: 10, cpus: 24, memory: 51539607552, disk: 515396075520}
        guests: {total: 36, running: 30, templates: 3, unknown: 0}
      failed_tasks: []
summary:
  description: The worst status, how many clusters have which status, and how often which code was found.
  returned: success
  type: dict
  sample: {status: degraded, clusters: {degraded: 1}, reasons: {storage_nearly_full: 1}}
changes:
  description: The files that were written, in words.
  returned: success
  type: list
  elements: str
  sample: []
error:
  description: Why the task failed, for programs.
  returned: failure
  type: dict
  sample: {code: BadRequest, status: 400, message: "checks: there is no check 'storage'.", details: {}}
"""

from ansible_collections.pve.fleet.plugins.module_utils.facts.cluster_info import ARGUMENTS, run
from ansible_collections.pve.fleet.plugins.module_utils.fleet.members import selection
from ansible_collections.pve.fleet.plugins.module_utils.runner import ModuleSpec, run_module

SPEC = ModuleSpec(
    name='pve_cluster_info', run=run, argument_spec=ARGUMENTS, tier='viewer', connection='registry', selection=selection
)


def main():
    run_module(SPEC)


if __name__ == '__main__':
    main()
