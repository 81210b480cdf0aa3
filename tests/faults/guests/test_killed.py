# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed at any point is finished by the next one: one guest, nothing lost, nothing left over.

Points are requests: the process is killed right before or right after one of them, 100 times over all kinds of work.
"""
from __future__ import annotations

import os
import random
import signal

import pytest
from guest_tasks import Tasks, golden_container, golden_vm, named, orphans, paired

from ansible_collections.pve.fleet.plugins.module_utils.api.transport import Transport

POINTS = 13
TEMPLATE = 'local:vztmpl/fake-rootfs_1.0_amd64.tar.zst'
NET = {'net0': {'bridge': 'vmbr0'}}
# name: (module, the guest before or None, what is declared then)
WORK = {
    'create a machine': ('pve_vm', None, {
        'node': 'pve1', 'memory': '1G', 'networks': NET, 'state': 'started', 'tags': ['x'],
        'disks': {'scsi0': {'storage': 'local', 'size': '2G'}, 'scsi1': {'storage': 'shared', 'size': '1G'}}}),
    'clone a machine': ('pve_vm', None, {
        'clone': {'template': 'golden'}, 'memory': '1G', 'state': 'started', 'networks': {'net0': {'bridge': 'vmbr0', 'tag': 7}},
        'disks': {'scsi0': {'size': '3G', 'ssd': True}, 'scsi1': {'storage': 'local', 'size': '1G'}}, 'cloud_init': {'user': 'ops', 'password': 'verysecret'}}),
    'grow and move disks': ('pve_vm', {'disks': {'scsi0': {'storage': 'local', 'size': '1G'}, 'scsi1': {'storage': 'local', 'size': '1G'}}, 'node': 'pve1'}, {
        'disks': {'scsi0': {'storage': 'shared', 'size': '2G'}, 'scsi1': {'storage': 'shared', 'size': '4G', 'backup': False}}, 'memory': '2G'}),
    'migrate a running machine': ('pve_vm', {'disks': {'scsi0': {'storage': 'local', 'size': '1G'}}, 'node': 'pve1', 'state': 'started'}, {
        'node': 'pve2', 'tags': ['moved'], 'state': 'started'}),
    'remove a machine': ('pve_vm', {'disks': {'scsi0': {'storage': 'local', 'size': '1G'}}, 'node': 'pve1', 'state': 'started'}, {
        'state': 'absent', 'force': True}),
    'create a container': ('pve_container', None, {
        'node': 'pve1', 'ostemplate': TEMPLATE, 'memory': '256M', 'state': 'started', 'networks': NET,
        'disks': {'rootfs': {'storage': 'shared', 'size': '1G'}, 'mp0': {'storage': 'local', 'size': '1G', 'mp': '/data'}}}),
    'clone a container': ('pve_container', None, {
        'clone': {'template': 'golden'}, 'memory': '256M', 'disks': {'rootfs': {'size': '2G'}}, 'state': 'started'}),
    'change a container': ('pve_container', {'node': 'pve1', 'ostemplate': TEMPLATE, 'disks': {'rootfs': {'storage': 'local', 'size': '1G'}}}, {
        'disks': {'rootfs': {'storage': 'shared', 'size': '2G'}}, 'node': 'pve2', 'cores': 2, 'state': 'started'}),
}


class Killing(Transport):
    """Ends its own process, as SIGKILL does, before or after its n-th request."""

    number, after, sent = 0, False, 0

    def send(self, *arguments, **options):
        Killing.sent += 1
        if Killing.sent == Killing.number and not Killing.after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = super().send(*arguments, **options)
        if Killing.sent == Killing.number:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def killed(tasks, monkeypatch, module, number, after, declared):
    """Run the task in a process that is killed at that point. False when it ended before."""
    child = os.fork()
    if child == 0:
        monkeypatch.setattr('ansible_collections.pve.fleet.plugins.module_utils.api.client.Transport', Killing)
        Killing.number, Killing.after, Killing.sent = number, after, 0
        try:
            tasks.run(module, **declared)
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize('work', WORK)
def test_next_run_finishes(work, monkeypatch):
    module, before, declared = WORK[work]
    declared = {'name': 'guest', **declared}
    points = random.Random(work)
    with paired() as simulator:
        tasks = Tasks(simulator)
        (golden_vm if module == 'pve_vm' else golden_container)(tasks)
        start = len(simulator.fleet.clusters['realpve'].guests)
        number = 0
        for _point in range(POINTS):
            if before:
                made = tasks.run(module, **{'name': 'guest', **before})
                assert not made.get('failed'), made['msg']
            number = points.randint(1, 22)
            after = points.random() < 0.5
            while not killed(tasks, monkeypatch, module, number, after, declared):
                number = points.randint(1, max(1, number - 1))
                clear(tasks, module)
                if before:
                    tasks.run(module, **{'name': 'guest', **before})
            finished = tasks.run(module, **declared)
            where = f'killed {"after" if after else "before"} request {number}'
            assert not finished.get('failed'), f'{where}: {finished["msg"]}'
            again = tasks.run(module, **declared)
            assert again['changes'] == [], where
            wanted = 0 if declared.get('state') == 'absent' else 1
            assert len(named(tasks, 'guest')) == wanted, where
            assert len(tasks.cluster.guests) == start + wanted, where
            assert not any(one.lock for one in tasks.cluster.guests.values()), where
            assert orphans(tasks) == [], where
            clear(tasks, module)


def clear(tasks, module):
    gone = tasks.run(module, name='guest', state='absent', force=True)
    assert not gone.get('failed'), gone['msg']


def test_a_clone_that_still_runs_is_waited_for(monkeypatch):
    """Killed right after the clone was ordered: its task lives on, and the next run neither makes a second nor fails."""
    with paired(time='real') as simulator:
        tasks = Tasks(simulator)
        simulator.control.send('POST', 'settings', start_seconds=0.05, disk_rate=1 << 34)
        golden_vm(tasks, disks={'scsi0': {'storage': 'shared', 'size': '1G'}})
        simulator.control.advance(30)
        simulator.control.send('POST', 'settings', disk_rate=1 << 30)
        declared = {'name': 'guest', 'clone': {'template': 'golden'}, 'memory': '1G', 'tags': ['x']}
        number = orders_until(tasks, 'clone', declared)
        assert killed(tasks, monkeypatch, 'pve_vm', number, True, declared)
        guest = [one for one in tasks.cluster.guests.values() if one.lock]
        assert len(guest) == 1
        finished = tasks.vm(**declared)
        assert not finished.get('failed'), finished['msg']
        assert len(tasks.cluster.guests) == 2
        assert named(tasks, 'guest')[0].config['memory'] == '1024'
        assert tasks.vm(**declared)['changes'] == []
        assert orphans(tasks) == []


@pytest.mark.parametrize('source', ['clone', 'restore'])
def test_the_password_of_the_source_is_never_taken_for_the_own(monkeypatch, source):
    """The first password and the place are decided while a guest is made: killed in between, the next run still sees to them."""
    with paired() as simulator:
        tasks = Tasks(simulator)
        golden_vm(tasks, description='of gold', cloud_init={'storage': 'shared', 'user': 'first', 'password': 'ofthetemplate'})
        old = named(tasks, 'golden')[0].config['cipassword']
        declared = {'name': 'guest', 'memory': '1G', 'cloud_init': {'user': 'ops', 'password': 'verysecret'}}
        if source == 'clone':
            declared.update(clone={'template': 'golden', 'storage': 'local'}, placement={'nodes': ['pve2']})
        else:
            backup = tasks.run('pve_backup', action='run', name='golden', storage='shared')
            declared.update(restore={'archive': backup['backups'][0]['volid']}, node='pve1')
        first = orders_until(tasks, source if source == 'clone' else 'qemu', declared)
        for number in range(first, first + 12):
            for after in (False, True):
                killed(tasks, monkeypatch, 'pve_vm', number, after, declared)
                finished = tasks.vm(**declared)
                assert not finished.get('failed'), finished['msg']
                guest = named(tasks, 'guest')[0]
                where = f'killed {"after" if after else "before"} request {number}'
                assert guest.config['cipassword'] != old, where
                assert guest.config['description'] == 'of gold', where
                assert guest.node == ('pve2' if source == 'clone' else 'pve1'), where
                assert tasks.vm(**declared)['changes'] == [], where
                clear(tasks, 'pve_vm')


def test_an_unfinished_clone_is_told_and_finished(monkeypatch):
    with paired() as simulator:
        tasks = Tasks(simulator)
        golden_vm(tasks, cloud_init={'storage': 'shared', 'user': 'first', 'password': 'ofthetemplate'})
        declared = {'name': 'guest', 'clone': {'template': 'golden'}, 'cloud_init': {'password': 'verysecret'}}
        assert killed(tasks, monkeypatch, 'pve_vm', orders_until(tasks, 'clone', declared), True, declared)
        simulator.control.advance(30)
        assert 'not finished' in named(tasks, 'guest')[0].config['description']
        predicted, finished = tasks.vm(True, **declared), tasks.vm(**declared)
        assert predicted['changes'] == finished['changes'] == ['set the cloud-init password', 'finish the clone that was broken off']
        assert predicted['diff'] == finished['diff']
        assert 'description' not in named(tasks, 'guest')[0].config
        assert tasks.vm(**declared)['changes'] == []


def orders_until(tasks, last, declared):
    """Which request of a first run is the order that ends in this word; logins count."""
    tasks.simulator.control.reset_log()
    trial = tasks.vm(**{**declared, 'name': 'trial'})
    assert not trial.get('failed'), trial['msg']
    entries = tasks.simulator.control.log(1000)['requests']
    number = 1 + next(index for index, one in enumerate(entries) if one['path'].endswith(f'/{last}'))
    gone = tasks.vm(name='trial', state='absent')
    assert not gone.get('failed'), gone['msg']
    tasks.simulator.control.advance(30)
    return number
