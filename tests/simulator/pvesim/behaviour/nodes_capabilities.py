"""What the QEMU of a node can do: processor models, machine types."""

from __future__ import annotations

from ..call import Call, operation
from ..data.static import static

ABSTRACT = frozenset(['x86-64-v2', 'x86-64-v2-AES', 'x86-64-v3', 'x86-64-v4'])
HIGHEST = {'9': 11, '8.4': 9.2, '7.4': 7.2}
FLAGS = {
    'md-clear': 'Required to let the guest OS know if MDS is mitigated correctly',
    'pcid': 'Meltdown fix cost reduction on Westmere, Sandy-, and IvyBridge Intel CPUs',
    'spec-ctrl': 'Allows improved Spectre mitigation with Intel CPUs',
    'ssbd': 'Protection for "Speculative Store Bypass" for Intel models',
    'ibpb': 'Allows improved Spectre mitigation with AMD CPUs',
    'virt-ssbd': 'Basis for "Speculative Store Bypass" protection for AMD models',
    'amd-ssbd': 'Improves Spectre mitigation performance with AMD CPUs, best used with "virt-ssbd"',
    'amd-no-ssb': 'Notifies guest OS that host is not vulnerable for Spectre on AMD CPUs',
    'pdpe1gb': 'Allow guest OS to use 1GB size pages, if host HW supports it',
    'hv-tlbflush': 'Improve performance in overcommitted Windows guests. May lead to guest bluescreens on old CPUs.',
    'hv-evmcs': 'Improve performance for nested virtualization. Only supported on Intel CPUs.',
    'aes': 'Activate AES instruction set for HW acceleration.',
}


@operation('GET', '/nodes/{node}/capabilities/qemu/cpu')
def cpu(_call: Call) -> list[dict]:
    rows = []
    for vendor, names in static('cpu_models').items():
        for name in names:
            row = {'name': name, 'vendor': vendor, 'custom': 0}
            if name in ABSTRACT:
                row['abstract'] = 1
            rows.append(row)
    return rows


@operation('GET', '/nodes/{node}/capabilities/qemu/cpu-flags')
def flags(_call: Call) -> list[dict]:
    return [{'name': name, 'description': text} for name, text in FLAGS.items()]


@operation('GET', '/nodes/{node}/capabilities/qemu/machines')
def machines(call: Call) -> list[dict]:
    rows = []
    for kind, versions in static('machine_versions').items():
        for version, *changes in versions:
            if float('.'.join(version.partition('+')[0].split('.')[:2])) > HIGHEST[call.release]:
                continue
            row = {'id': f'pc-{kind}-{version}', 'type': kind, 'version': version}
            if changes and call.release == '9':
                row['changes'] = changes[0]
            rows.append(row)
    return rows


@operation('GET', '/nodes/{node}/capabilities/qemu/migration')
def migration(_call: Call) -> dict:
    return {'has-dbus-vmstate': 1}
