# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""proxmoxer's own calls: logins, and the lives of a machine and a container."""
from __future__ import annotations

import pytest
from proxmoxer import ProxmoxAPI
from proxmoxer.core import AuthenticationError, ResourceException
from proxmoxer.tools import Tasks


def connect(sim, **login):
    login = login or {'user': 'root@pam', 'password': 'realpve1'}
    return ProxmoxAPI('127.0.0.1', port=sim.port, verify_ssl=sim.ca_path, **login)


def done(api, upid):
    """Wait for a task; it must end well."""
    status = Tasks.blocking_status(api, upid, timeout=20, polling_interval=0.02)
    assert status['exitstatus'] == 'OK', Tasks.decode_log(api.nodes(status['node']).tasks(upid).log.get())


def test_logs_in_with_a_password_and_says_so_when_it_is_wrong(sim):
    assert connect(sim).version.get()['release'].startswith('9')
    with pytest.raises(AuthenticationError, match="Couldn't authenticate user: root@pam"):
        connect(sim, user='root@pam', password='wrong')


@pytest.mark.sim(time='manual')
def test_renews_its_ticket_after_an_hour_of_use(sim, monkeypatch):
    api = connect(sim)
    session = api._backend.auth
    first = session.pve_auth_ticket
    sim.control.advance(3700)
    monkeypatch.setattr(session, 'birth_time', session.birth_time - 3700)
    assert api.nodes.get()[0]['node'] == 'pve1'
    assert session.pve_auth_ticket != first


def test_uses_tokens_with_and_without_their_own_rights(sim):
    root = connect(sim)
    for name, privsep in (('narrow', 1), ('wide', 0)):
        secret = root.access.users('root@pam').token(name).post(privsep=privsep)['value']
        api = connect(sim, user='root@pam', token_name=name, token_value=secret)
        assert len(api.nodes('pve1').storage.get()) == (0 if privsep else 1)
        if privsep:
            with pytest.raises(ResourceException, match='403 Forbidden: Permission check failed'):
                api.nodes('pve1').qemu.post(vmid=100)


def test_gives_a_machine_a_whole_life(sim):
    api = connect(sim)
    node, vmid = api.nodes('pve1'), api.cluster.nextid.get()
    done(api, node.qemu.post(vmid=vmid, name='web', memory=512, scsi0='local:1,format=qcow2', net0='virtio,bridge=vmbr0', agent='enabled=1'))
    machine = node.qemu(vmid)
    assert machine.config.get()['scsi0'].startswith(f'local:{vmid}/vm-{vmid}-disk-0.')
    machine.config.put(cores=2, description='by proxmoxer')
    done(api, machine.status.start.post())
    assert machine.status.current.get()['status'] == 'running'
    done(api, machine.snapshot.post(snapname='before', vmstate=0))
    done(api, machine.snapshot('before').delete())
    done(api, machine.resize.put(disk='scsi0', size='+1G'))
    assert 'size=2G' in machine.config.get()['scsi0']
    done(api, machine.status.stop.post())
    done(api, machine.clone.post(newid=900, name='copy', full=1))
    assert {guest['vmid'] for guest in node.qemu.get()} == {int(vmid), 900}
    for gone in (vmid, 900):
        done(api, node.qemu(gone).delete(purge=1))
    assert node.qemu.get() == []
    with pytest.raises(ResourceException, match=r'500 Internal Server Error: .*does not exist'):
        machine.config.get()


def test_gives_a_container_a_whole_life(sim):
    api = connect(sim)
    node = api.nodes('pve1')
    done(api, node.lxc.post(vmid=200, ostemplate='local:vztmpl/fake-rootfs_1.0_amd64.tar.zst', hostname='dns', password='secret12',
                            rootfs='local:1', net0='name=eth0,bridge=vmbr0,ip=dhcp'))
    container = node.lxc(200)
    container.config.put(cores=2)
    done(api, container.status.start.post())
    assert container.status.current.get()['status'] == 'running'
    done(api, container.resize.put(disk='rootfs', size='2G'))
    done(api, container.status.shutdown.post())
    assert container.config.get()['hostname'] == 'dns'
    done(api, container.delete())
    assert node.lxc.get() == []


def test_uploads_a_file(sim, tmp_path):
    image = tmp_path / 'small.iso'
    image.write_bytes(b'not much')
    api = connect(sim)
    with image.open('rb') as file:
        done(api, api.nodes('pve1').storage('local').upload.post(content='iso', filename=file))
    assert 'local:iso/small.iso' in {row['volid'] for row in api.nodes('pve1').storage('local').content.get(content='iso')}
