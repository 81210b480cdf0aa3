# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provisioning did, as one dictionary. Pure."""

from __future__ import annotations

import ipaddress


def summary(results, removed=None, check_mode=False):
    """Results of looped pve_vm and pve_container tasks -> {check_mode, drift, counts, guests, removed}.

    results: list of dictionaries with `guest_provision_item` or `item` (the declaration). removed: guests that are gone.
    """
    guests = [guest_entry(one) for one in results if not one.get('skipped')]
    gone = [{key: one.get(key) for key in ('cluster', 'name', 'vmid')} for one in removed or []]
    changed = [one for one in guests if one['changed']]
    counts = {'guests': len(guests), 'changed': len(changed), 'removed': len(gone)}
    return {'check_mode': bool(check_mode), 'drift': bool(changed or gone), 'counts': counts, 'guests': guests, 'removed': gone}


def guest_entry(one):
    """One result as a line of the summary."""
    declared = one.get('guest_provision_item') or one.get('item') or {}
    found = one.get('vm') or one.get('container') or {}
    return {
        'cluster': found.get('cluster') or declared.get('cluster'),
        'name': found.get('name') or declared.get('name'),
        'kind': declared.get('kind') or ('container' if 'container' in one else 'vm'),
        'vmid': found.get('vmid'),
        'node': found.get('node'),
        'status': found.get('status') or 'absent',
        'address': first_address(found.get('addresses') or {}),
        'changed': bool(one.get('changed')),
        'changes': list(one.get('changes') or []),
        'reboot_required': bool(one.get('reboot_required')),
    }


def first_address(addresses):
    """The first IPv4 address, else the first of IPv6 that reaches beyond its link; None where there is none."""
    found = [ipaddress.ip_interface(one).ip for per_interface in addresses.values() for one in per_interface]
    found = [one for one in found if not one.is_link_local and not one.is_loopback]
    found.sort(key=lambda one: one.version)
    return str(found[0]) if found else None
