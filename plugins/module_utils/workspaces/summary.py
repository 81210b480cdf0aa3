# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provisioning did, as one dictionary. Pure."""

from __future__ import annotations

import ipaddress


def summary(results, removed=None, check_mode=False):
    """The `guests` of a pve_guests task -> {check_mode, drift, counts, guests, removed}. removed: guests that are gone."""
    guests = [guest_entry(one) for one in results]
    gone = [{key: one.get(key) for key in ('cluster', 'name', 'vmid')} for one in removed or []]
    changed = [one for one in guests if one['changed']]
    failed = [one for one in guests if 'failed' in one]
    counts = {'guests': len(guests), 'changed': len(changed), 'removed': len(gone), 'failed': len(failed)}
    return {'check_mode': bool(check_mode), 'drift': bool(changed or gone), 'counts': counts, 'guests': guests, 'removed': gone}


def guest_entry(one):
    """One result as a line of the summary."""
    found = one.get('guest') or {}
    entry = {
        'cluster': one['cluster'],
        'name': found.get('name') or one['name'],
        'kind': one['kind'],
        'vmid': found.get('vmid'),
        'node': found.get('node'),
        'status': found.get('status') or ('unknown' if one.get('failed') else 'absent'),
        'address': first_address(found.get('addresses') or {}),
        'changed': bool(one.get('changed')),
        'changes': list(one.get('changes') or []),
        'reboot_required': bool(one.get('reboot_required')),
    }
    return {**entry, 'failed': one['msg']} if one.get('failed') else entry


def first_address(addresses):
    """The first IPv4 address, else the first of IPv6 that reaches beyond its link; None where there is none."""
    found = [ipaddress.ip_interface(one).ip for per_interface in addresses.values() for one in per_interface]
    found = [one for one in found if not one.is_link_local and not one.is_loopback]
    found.sort(key=lambda one: one.version)
    return str(found[0]) if found else None
