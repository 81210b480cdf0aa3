"""Backup jobs, jobs for realms, schedules."""

from __future__ import annotations

import pytest

BACKUP = '/cluster/backup'


def only_job(api) -> dict:
    return api.get(BACKUP)[0]


def test_a_job_is_read_back_with_its_next_run(api):
    api.post(BACKUP, **{'schedule': 'sat 02:00', 'storage': 'local', 'vmid': '110,122', 'prune-backups': 'keep-last=2'})
    job = only_job(api)
    assert (job['type'], job['vmid'], job['enabled'], job['prune-backups']) == (
        'vzdump', '110,122', 1, {'keep-last': '2'})
    assert job['next-run'] > api.fleet.clock.now()
    assert 'next-run' not in api.get(f'{BACKUP}/{job["id"]}')


@pytest.mark.parametrize(('params', 'status', 'text'), [
    ({}, 500, '400 Parameter verification failed.\nvmid: property is missing'),
    ({'all': 1, 'vmid': '100'}, 500, "400 Parameter verification failed.\nall: option conflicts with option 'vmid'"),
    ({'pool': 'nopool'}, 403, "Permission check failed (pool 'nopool' does not exist)"),
])
def test_nested_checks_answer_as_they_surface(api, params, status, text):
    error = api.refused('POST', BACKUP, schedule='02:00', storage='local', **params)
    assert (error.status, error.message) == (status, text)


def test_a_schedule_is_needed_and_checked(api):
    assert api.refused('POST', BACKUP, storage='local', all=1).errors
    assert 'schedule' in api.refused('POST', BACKUP, storage='local', all=1, schedule='nonsense').errors
    api.post(BACKUP, storage='local', all=1, starttime='02:00', dow='mon,sat')
    assert only_job(api)['schedule'] == 'mon,sat 02:00'


def test_one_way_of_choosing_guests_replaces_another(api):
    api.post(BACKUP, id='job-1', schedule='02:00', storage='local', vmid='100')
    api.put(f'{BACKUP}/job-1', all=1, exclude='101')
    assert {'all', 'exclude'} <= set(only_job(api))
    assert 'vmid' not in only_job(api)
    api.put(f'{BACKUP}/job-1', vmid='100')
    assert not {'all', 'exclude'} & set(only_job(api))


def test_missing_jobs(api):
    assert api.refused('GET', f'{BACKUP}/nope').errors == {'id': "No such job 'nope'"}
    assert api.refused('DELETE', f'{BACKUP}/nope').message == (
        "400 Parameter verification failed.\nid: No such job 'nope'")


def test_volumes_of_a_job_say_why(api):
    api.guest(100, name='a', scsi0='local:100/a.qcow2,size=1G', scsi1='local:100/b.qcow2,backup=0,size=1G',
              ide2='none,media=cdrom')
    api.guest(101, 'lxc', hostname='c', rootfs='local:101/r.raw,size=1G', mp0='local:101/m.raw,mp=/m,size=1G',
              mp1='/srv,mp=/srv')
    api.post(BACKUP, id='job-1', schedule='02:00', storage='local', vmid='100,101,999')
    children = api.get(f'{BACKUP}/job-1/included_volumes')['children']
    assert children[2] == {'id': 999, 'type': 'unknown', 'leaf': 1}
    told = {volume['id']: (volume['included'], volume['reason']) for child in children[:2] for volume in child['children']}
    assert told == {'100:scsi0': (1, 'backup=yes'), '100:scsi1': (0, 'backup=no'), '101:rootfs': (1, 'rootfs'),
                    '101:mp0': (0, 'disabled'), '101:mp1': (0, 'not a volume')}


def test_guests_without_a_job_are_found(api):
    for vmid in (100, 101, 102):
        api.guest(vmid)
    api.cluster.pools['p'] = {'comment': '', 'vms': {101}, 'storages': set()}
    api.post(BACKUP, schedule='02:00', storage='local', vmid='100')
    api.post(BACKUP, schedule='02:00', storage='local', pool='p')
    assert [guest['vmid'] for guest in api.get('/cluster/backup-info/not-backed-up')] == [102]
    api.post(BACKUP, schedule='02:00', storage='local', all=1, exclude='102')
    assert [guest['vmid'] for guest in api.get('/cluster/backup-info/not-backed-up')] == [102]


def test_what_only_root_may_set(api):
    job = {'schedule': '02:00', 'storage': 'local', 'all': 1}
    assert api.refused('POST', BACKUP, 'admin@pve', **job, script='/x').errors == {
        'script': 'Only root may set this option.'}
    api.post(BACKUP, 'admin@pve', **job)


def test_schedules_are_analysed(api):
    found = api.get('/cluster/jobs/schedule-analyze', schedule='sat 02:00', iterations=2, starttime=1795222000)
    assert found == [{'timestamp': 1795226400, 'utc': 'Sat Nov 21 02:00:00 2026'},
                     {'timestamp': 1795831200, 'utc': 'Sat Nov 28 02:00:00 2026'}]


def test_realm_jobs_live_beside_backup_jobs(api):
    api.post('/access/domains', realm='ld', type='ldap', server1='h', base_dn='dc=a', user_attr='uid')
    api.post('/cluster/jobs/realm-sync/s1', realm='ld', schedule='daily', scope='users')
    assert api.refused('POST', '/cluster/jobs/realm-sync/s1', realm='ld', schedule='daily').message == (
        "Job 's1' already exists")
    assert api.get('/cluster/jobs/realm-sync')[0]['next-run'] > 0
    assert api.get(BACKUP) == []
    api.put('/cluster/jobs/realm-sync/s1', schedule='hourly', delete='scope')
    assert api.get('/cluster/jobs/realm-sync/s1') == {'id': 's1', 'type': 'realm-sync', 'realm': 'ld',
                                                      'schedule': 'hourly'}
