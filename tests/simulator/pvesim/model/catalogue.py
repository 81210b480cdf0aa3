"""What generated fleets are made of: names, roles of guests with their sizes, teams, stages."""

from __future__ import annotations

from dataclasses import dataclass

SITES = (
    'seoul', 'berlin', 'porto', 'oslo', 'lyon', 'quito', 'perth', 'turin', 'kyoto', 'dakar', 'leeds', 'osaka', 'tunis', 'delft',
    'cairo', 'minsk', 'lagos', 'basel', 'split', 'tampa', 'busan', 'accra', 'vaduz', 'hanoi', 'lima',
)
# stage -> (VLAN, share of the guests)
STAGES = (('prod', 20, 0.5), ('test', 30, 0.3), ('dev', 40, 0.2))
TEAMS = ('shop', 'platform', 'data', 'intern', 'billing', 'search')


@dataclass(frozen=True, slots=True)
class Role:
    """A sort of guest: its name's beginning, weight among all, cores, memory in MiB, first and further disks in GiB."""

    name: str
    weight: int
    cores: int
    memory: int
    disk: int
    data: int = 0
    container: bool = False


ROLES = (
    Role('web', 20, 2, 4096, 20), Role('app', 18, 4, 8192, 40), Role('db', 8, 8, 32768, 40, 200),
    Role('cache', 6, 2, 8192, 16), Role('mq', 4, 4, 8192, 32, 64), Role('k8s', 12, 8, 16384, 80),
    Role('build', 5, 8, 16384, 120), Role('win', 4, 4, 8192, 80), Role('backup', 2, 2, 4096, 20, 500),
    Role('dns', 5, 1, 512, 4, container=True), Role('proxy', 6, 2, 1024, 8, container=True),
    Role('mon', 4, 2, 2048, 16, 32, container=True), Role('git', 3, 2, 4096, 16, 100, container=True),
    Role('ldap', 3, 1, 1024, 8, container=True), Role('mail', 3, 2, 2048, 16, 64, container=True),
)

# name, ostype, disk in GiB: the templates of every generated cluster, from id 9000 on
TEMPLATES = (('debian-13', 'l26', 4), ('ubuntu-2404', 'l26', 5), ('rocky-9', 'l26', 10))
ISOS = (('debian-13.1.0-amd64-netinst.iso', 788_529_152), ('virtio-win-0.1.271.iso', 725_614_592))
CONTAINER_TEMPLATE = ('debian-13-standard_13.1-2_amd64.tar.zst', 130_023_424)
