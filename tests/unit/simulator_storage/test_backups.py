# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: what goes in, what comes back, what retention removes."""
from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pvesim.model import prune, storage
from pvesim.model.guest import Guest
from pvesim.model.storage import Volume

GIB = 1 << 30
DAY = 86400


def add_machine(site, vmid=100, **config):
    volume = storage.alloc(site.cluster, 'pve1', 'local', vmid, 4 * GIB, fmt='qcow2', used=GIB)
    guest = Guest(vmid, 'qemu', 'pve1', {
        'name': 'web', 'memory': '512', 'net0': 'virtio=BC:24:11:00:00:01,bridge=vmbr0', 'scsi0': f'{volume.volid},size=4G',
        'description': 'a: b', **config})
    site.cluster.guests[vmid] = guest
    return guest


def backups_of(site):
    return site.get('{here}/storage/local/content', content='backup')


def test_a_backup_is_kept_with_notes_and_protection(site):
    guest = add_machine(site)
    exitstatus, log = site.run('POST', '{here}/vzdump', vmid=100, storage='local', compress='zstd', protected=1,
                               notes__template='{{guestname}} of {{node}}')
    assert (exitstatus, log[-2]) == ('OK', 'INFO: Backup job finished successfully')
    assert guest.lock is None
    [row] = backups_of(site)
    assert (row['notes'], row['protected'], row['vmid'], row['subtype'], row['format']) == (
        'web of pve1', 1, 100, 'qemu', 'vma.zst')
    assert GIB // 4 < row['size'] < GIB
    path = f'{{here}}/storage/local/content/{row["volid"]}'
    assert 'cannot remove protected' in site.run('DELETE', path)[0]
    site.send('PUT', path, protected=0, notes='other')
    assert site.get(path)['notes'] == 'other'
    assert site.run('DELETE', path)[0] == 'OK'


def test_the_configuration_in_a_backup_can_be_read(site):
    add_machine(site)
    site.run('POST', '{here}/vzdump', vmid=100, storage='local')
    text = site.get('{here}/vzdump/extractconfig', volume=backups_of(site)[0]['volid'])
    assert text.startswith('#a%3A b\n')
    assert 'name: web\n' in text
    assert '#qmdump#map:scsi0:drive-scsi0:local:qcow2:\n' in text


def test_a_restored_machine_is_the_one_that_was_backed_up(site):
    guest = add_machine(site, scsi1='local:100/gone.raw,backup=0,size=1G')
    site.run('POST', '{here}/vzdump', vmid=100, storage='local')
    archive = backups_of(site)[0]['volid']
    assert site.run('POST', '{here}/qemu', vmid=101, archive=archive)[0] == 'OK'
    restored = site.get('{here}/qemu/101/config')
    assert restored['scsi0'] == 'local:101/vm-101-disk-0.qcow2,size=4G'
    assert (restored['name'], restored['description'], restored['net0']) == ('web', 'a: b', guest.config['net0'])
    assert 'scsi1' not in restored
    assert site.run('POST', '{here}/qemu', vmid=102, archive=archive, unique=1)[0] == 'OK'
    assert site.get('{here}/qemu/102/config')['net0'] != guest.config['net0']


def test_a_job_with_a_failing_guest_goes_on_and_ends_in_job_errors(site):
    add_machine(site, 100, lock='clone')
    add_machine(site, 101)
    exitstatus, log = site.run('POST', '{here}/vzdump', vmid='100,101,999', storage='local')
    assert exitstatus == 'job errors'
    assert 'ERROR: Backup of VM 100 failed - VM is locked (clone)' in log
    assert "ERROR: Backup of VM 999 failed - unable to find VM '999'" in log
    assert [row['vmid'] for row in backups_of(site)] == [101]


def test_a_full_storage_fails_the_backup_and_unlocks_the_guest(site):
    guest = add_machine(site)
    site.cluster.nodes['pve1'].extra['rootfs'] = {'total': 4 * GIB, 'used': 3 * GIB}
    assert site.run('POST', '{here}/vzdump', vmid=100, storage='local')[0] == 'job errors'
    assert guest.lock is None
    assert backups_of(site) == []


@pytest.mark.parametrize(('params', 'status', 'text'), [
    ({'vmid': 100, 'all': 1}, 400, {'all': "option conflicts with option 'vmid'"}),
    ({}, 400, {'vmid': 'property is missing'}),
    ({'vmid': 100, 'notes-template': '{{wrong}}', 'storage': 'local'}, 400, {'notes-template': "unexpected variable 'wrong'\n"}),
])
def test_options_that_contradict_each_other_are_refused(site, params, status, text):
    found = site.send('POST', '{here}/vzdump', **params)
    assert (found[0], found[2]) == (status, text)


def test_retention_of_the_storage_is_kept_after_each_backup(site):
    add_machine(site)
    site.send('PUT', '/storage/local', prune__backups='keep-last=2')
    for number in range(4):
        site.fleet.clock.offset += 10 * number
        assert site.run('POST', '{here}/vzdump', vmid=100, storage='local')[0] == 'OK'
    assert len(backups_of(site)) == 2
    exitstatus, log = site.run('POST', '{here}/vzdump', vmid=100, storage='local', remove=0)
    assert exitstatus == 'job errors'
    assert any('max backup limit of (2)' in line for line in log)


def archive(number, ctime, protected=False):
    return Volume(f's1:backup/vzdump-qemu-100-{prune.stamp(ctime)}.vma', 'backup', 'vma', 1, 1, 100, ctime=ctime,
                  protected=protected, extra={'kind': 'qemu', 'number': number})


@given(st.lists(st.integers(0, 400 * DAY), min_size=1, max_size=40, unique=True),
       st.dictionaries(st.sampled_from(['keep-last', 'keep-daily', 'keep-weekly', 'keep-monthly']), st.integers(1, 5), min_size=1))
def test_retention_keeps_as_many_as_it_says_and_always_the_newest(times, keep):
    volumes = [archive(number, 1_700_000_000 + time) for number, time in enumerate(times)]
    marks = prune.mark(volumes, keep)
    kept = [volume for volume in volumes if marks[volume.volid] == 'keep']
    assert min(len(times), keep.get('keep-last', 1)) <= len(kept) <= sum(keep.values())
    assert max(volumes, key=lambda volume: volume.ctime) in kept


def test_retention_leaves_protected_and_renamed_archives_alone():
    renamed = Volume('s1:backup/vzdump-qemu-100-old.vma', 'backup', 'vma', 1, 1, 100, ctime=1, extra={'kind': 'qemu'})
    volumes = [archive(0, 10 * DAY), archive(1, 11 * DAY), archive(2, 9 * DAY, protected=True), renamed]
    marks = prune.mark(volumes, {'keep-last': 1})
    assert [marks[volume.volid] for volume in volumes] == ['remove', 'keep', 'protected', 'renamed']


def test_retention_by_days_keeps_the_last_of_each():
    hours = [archive(number, 20_000 * DAY + number * 6 * 3600) for number in range(12)]
    marks = prune.mark(hours, {'keep-daily': 2})
    assert [volume.extra['number'] for volume in hours if marks[volume.volid] == 'keep'] == [7, 11]


def test_a_dry_run_needs_a_retention(site):
    assert site.send('GET', '{here}/storage/local/prunebackups')[1] == "no prune-backups options configured for storage 'local'"
    assert site.get('{here}/storage/local/prunebackups', prune__backups='keep-last=1') == []


def test_the_agent_freezes_file_systems_only_where_it_runs(site):
    guest = add_machine(site, agent='1')
    guest.begin_running(1)
    _exitstatus, log = site.run('POST', '{here}/vzdump', vmid=100, storage='local')
    assert not any('fs-freeze' in line for line in log)
    guest.installed = True
    _exitstatus, log = site.run('POST', '{here}/vzdump', vmid=100, storage='local')
    assert "INFO: issuing guest-agent 'fs-freeze' command" in log


def test_one_job_waits_for_the_other_on_its_node(site):
    add_machine(site)

    async def two_jobs():
        upids = []
        for _job in range(2):
            call = site.dispatcher.make_call('POST', '/nodes/pve1/vzdump', 'root@pam', {'vmid': '100', 'storage': 'local'})
            upids.append(site.dispatcher.run(call))
        for _turn in range(500):
            await asyncio.sleep(0)
        return [site.cluster.tasks[upid] for upid in upids]

    first, second = site.loop.run_until_complete(two_jobs())
    assert (first.exitstatus, second.exitstatus) == ('OK', 'OK')
    assert second.lines[:2] == ['INFO: trying to get global lock - waiting...', 'INFO: got global lock']
