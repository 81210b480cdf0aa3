# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning the configuration: which options are set or deleted, which disks are made, moved, grown or removed. Pure."""

from __future__ import annotations

import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest, Conflict
from ansible_collections.pve.fleet.plugins.module_utils.guests import disks, hotplug, in_the_making, root_only
from ansible_collections.pve.fleet.plugins.module_utils.guests.cloud_init import is_cloud_init
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import (
    CLOUD_INIT,
    described_config,
    natural,
    schemas,
)
from ansible_collections.pve.fleet.plugins.module_utils.guests.kinds import IP_CONFIG, UNUSED
from ansible_collections.pve.fleet.plugins.module_utils.guests.releases import check_settings
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import Wish, differs, is_device, merged_text
from ansible_collections.pve.fleet.plugins.module_utils.schema.parameters import find_parameter
from ansible_collections.pve.fleet.plugins.module_utils.schema.tables import tables
from ansible_collections.pve.fleet.plugins.module_utils.schema.typetext import property_format
from ansible_collections.pve.fleet.plugins.module_utils.schema.values import boot_order, is_empty
from ansible_collections.pve.fleet.plugins.module_utils.schema.wording import joined

MAC_NAMES = ('macaddr', 'hwaddr')
LONGEST = 60
BOOTABLE = re.compile(r'(ide|sata|scsi|virtio|net|hostpci|usb)\d+')
AT_RESTORING = ('cipassword', 'unprivileged')
READ_ONLY = {'lxc': {'unprivileged': 'whether a container is privileged'}}


def check_keys(desired, release):
    """Raise BadRequest for options and settings that the release does not have, with names that are spelled alike."""
    known = schemas(desired.kind.name, release)
    for key in desired.named_keys():
        if find_parameter(known, key) is None and not UNUSED.fullmatch(key):
            found = tables(release).check('PUT', desired.kind.config_path, {key: ''}, complete=False)
            raise BadRequest(found[key], details={'option': key, 'release': release})
    check_settings(desired, release)


def plan_configuration(plan, desired, state, facts, created):
    """Add the steps for all options and disks. state: with the power that the guest has by then."""
    check_keys(desired, facts.release)
    known = schemas(desired.kind.name, facts.release)
    marked = state.marked
    state = in_the_making.without_mark(state) if marked else state
    wishes = wanted_options(desired, state, created or marked)
    origin = plan.steps[-1].name if created else ''
    always = READ_ONLY.get(desired.kind.name, {}) if origin == 'create' else {}  # what creation does by itself differs between releases
    chosen = {key: wish for key, wish in wishes.items() if key in always or is_changed(key, wish, state, known)}
    refuse_read_only(desired, chosen, origin in ('create', 'restore'))
    removed = [key for key in desired.remove if key in state.config and not is_disk(desired.kind, key)]
    actions = disk_actions(desired, state, known)
    root_only.refuse(desired, chosen, actions, facts.root)
    refuse_move(desired, state, actions)
    if origin != 'create':
        refuse_protected(desired, state, actions)
    texts = {key: merged_text(key, with_defaults(desired.kind, key, wish, state), state.config.get(key), find_parameter(known, key))
             for key, wish in chosen.items() if not is_empty(wish.value)}  # fmt: skip
    removed += [key for key, wish in chosen.items() if is_empty(wish.value)]
    if origin == 'create':
        fold_into_creation(plan, desired, state, known, chosen, texts, actions)
        return
    refuse_boot(state, texts, removed, actions)
    # A change of a disk that waits for a reboot carries the size that the disk has by then: so it grows before.
    add_disk_steps(plan, actions, ('move', 'grow'))
    if origin == 'restore':
        fold_into_restoring(plan, desired, state, known, chosen, texts)
    late = boot_comes_late(desired, actions)
    first = {key: text for key, text in texts.items() if not (late and key == 'boot')}
    add_update(plan, desired, state, known, chosen, first, removed, actions)
    if late:
        add_boot(plan, desired, state, known, texts)
    if marked:
        unmark(plan, state, created)
    add_disk_steps(plan, actions, ('destroy',))
    note_pending(plan, desired, state, known, texts, removed, actions)
    if any(is_cloud_init(key) for key in chosen) and state.running and has_cloud_drive(state):
        plan.add('regenerate', 'regenerate the cloud-init image')


def is_disk(kind, key):
    return kind.is_disk(key) or bool(UNUSED.fullmatch(key))


def is_changed(key, wish, state, known):
    if wish.secret:
        return True
    return differs(key, wish, state.config.get(key), find_parameter(known, key))


def wanted_options(desired, state, created):
    """The wishes with the name and the password, where those are to be set."""
    wishes = dict(desired.wishes)
    key = desired.kind.name_key
    if desired.final_name and (created or desired.new_name) and state.config.get(key) != desired.final_name:
        wishes = {key: Wish(desired.final_name), **wishes}
    if desired.password and (created or desired.update_password or 'cipassword' not in state.config):
        wishes['cipassword'] = Wish(desired.password, secret=True)
    return wishes


def refuse_read_only(desired, chosen, decided_now):
    for key, what in READ_ONLY.get(desired.kind.name, {}).items():
        if key in chosen and not decided_now:
            raise BadRequest(
                f'{key}: {what} is decided when it is made and cannot be changed. '
                'Make a new one, or restore a backup of it with another setting.'
            )


def refuse_move(desired, state, actions):
    for one in actions:
        if one.action == 'move' and state.running and not desired.kind.moves_running:
            raise BadRequest(
                f'{one.key} can only be moved to {one.wish.storage} while the container is stopped. '
                'Declare state: stopped for this task, and start it again with another.'
            )


def refuse_protected(desired, state, actions):
    """Disks of a protected guest stay; of one that becomes protected by the same task they cannot be destroyed any more."""
    declared = desired.wishes.get('protection')
    for one in actions:
        protected = str(state.config.get('protection', '0')) == '1' or (one.action == 'destroy' and declared and declared.value is True)
        if protected and one.action in desired.kind.protected:
            raise Conflict(
                f'the guest is protected, which stands against this: {one.words}. Set protection: false with a task of its own before.',
                details={'disk': one.key},
            )


def refuse_boot(state, texts, removed, actions):
    """Raise BadRequest for a boot order with a device that the guest will not have."""
    gone = {*removed, *(one.key for one in actions if one.action in ('detach', 'destroy'))}
    there = {key for key in {*state.config, *texts, *(one.key for one in actions if one.action == 'add')} if BOOTABLE.fullmatch(key)} - gone
    lost = [device for device in boot_order(texts.get('boot', '')).get('order') or () if device not in there]
    if lost:
        raise BadRequest(
            f'boot: it has no {joined(lost, "and")} to boot from. It has {joined(sorted(there, key=natural), "and") or "nothing of the kind"}.',
            details={'devices': lost},
        )


def with_defaults(kind, key, wish, state):
    """A new network gets what the API demands: a model, or the name of the interface."""
    if not kind.is_network(key) or key in state.config or not isinstance(wish.value, dict):
        return wish
    extra = {'model': 'virtio'} if kind.name == 'qemu' else {'name': f'eth{key[3:]}'}
    named_models = set(wish.value) & {'virtio', 'e1000', 'e1000e', 'rtl8139', 'vmxnet3'}
    return wish if named_models else Wish({**extra, **wish.value}, wish.partial, wish.secret)


def disk_actions(desired, state, known):
    wanted = dict(desired.disks)
    for key in desired.remove:
        if is_disk(desired.kind, key):
            wanted[key] = disks.DiskWish(state='absent' if UNUSED.fullmatch(key) else 'detached')
    if desired.cloud_drive and not has_cloud_drive(state):
        key, storage = desired.cloud_drive
        if key in state.config or key in wanted:
            raise BadRequest(f'cloud_init: {key} is taken by another drive: give another place in cloud_init.drive.')
        wanted[key] = disks.DiskWish(storage=storage, cloud_init=True)
    found = []
    for key in sorted(wanted, key=natural):
        schema = find_parameter(known, key)
        found += disks.disk_changes(desired.kind, key, wanted[key], state.config.get(key), schema, desired.storage)
    return found


def has_cloud_drive(state):
    return any(state.kind.is_disk(key) and 'cloudinit' in str(value) for key, value in state.config.items())


def fold_into_creation(plan, desired, state, known, chosen, texts, actions):
    """A guest that is made from nothing takes everything with its creation."""
    step = plan.steps[-1]
    step.data.update(texts=texts, disks=new_disks(desired.kind, actions, known))
    for key in texts:
        if key != desired.kind.name_key:
            note_option(plan, step.words, desired, state, known, key, texts[key], chosen[key])
    for action in actions:
        note_disk(plan, action)
        step.words.append(action.words)


def fold_into_restoring(plan, desired, state, known, chosen, texts):
    """What cannot be set or not be told afterwards is given with the restore itself."""
    step = plan.steps[-1]
    for key in AT_RESTORING:
        if key in texts:
            note_option(plan, step.words, desired, state, known, key, texts[key], chosen[key])
            step.data['options'][key] = texts.pop(key)


def unmark(plan, state, created):
    """Put the description right that marks a clone as not finished, with whatever else is set."""
    step = next((one for one in plan.steps if one.name == 'configure'), None)
    if step is None:
        plan.add('configure', [], wishes={}, texts={}, delete=[], disks={}, changed_disks={})
        step = plan.steps[-1]
    if not created:
        step.words.append('finish the clone that was broken off')
    text = state.config.get('description')
    if 'description' in step.data['texts'] or 'description' in step.data['delete']:
        return
    if text:
        step.data['texts']['description'], step.data['wishes']['description'] = text, Wish(text)
    else:
        step.data['delete'].append('description')


def new_disks(kind, actions, known):
    """{key: (text, size to grow to or None)} of disks that are not there yet."""
    return {
        one.key: (disks.new_disk_text(kind, one.key, one.wish, find_parameter(known, one.key)), grown_size(one.wish))
        for one in actions
        if one.action == 'add'
    }


def grown_size(wish):
    return wish.size if wish.import_from else None


def add_update(plan, desired, state, known, chosen, texts, removed, actions):
    """One request that sets and deletes whatever can go together."""
    words = []
    for key in texts:
        note_option(plan, words, desired, state, known, key, texts[key], chosen[key])
    for key in removed:
        note_removal(plan, words, desired, state, known, key)
    direct = [one for one in actions if one.action in ('add', 'set', 'swap', 'detach')]
    for one in direct:
        note_disk(plan, one)
        words.append(one.words)
    if not words:
        return
    plan.add(
        'configure', words,
        wishes={key: with_defaults(desired.kind, key, chosen[key], state) for key in texts},
        texts=texts,
        delete=[*removed, *(one.key for one in direct if one.action == 'detach')],
        disks=new_disks(desired.kind, direct, known),
        changed_disks={one.key: one.wish for one in direct if one.action in ('set', 'swap')},
    )  # fmt: skip


def boot_comes_late(desired, actions):
    """Proxmox VE puts each drive for CDs that is set at the end of the boot order, so a declared order must be sent after that."""
    order = boot_order(desired.wishes['boot'].value).get('order') or () if 'boot' in desired.wishes else None
    return order is not None and any(one.wish.iso is not None and one.action in ('add', 'swap', 'set') and one.key not in order for one in actions)


def add_boot(plan, desired, state, known, texts):
    """The boot order in a request of its own; told only where it is another than it was."""
    wish, words = desired.wishes['boot'], []
    if is_empty(wish.value):
        plan.add('configure', [], wishes={}, texts={}, delete=['boot'], disks={}, changed_disks={})
        return
    text = texts.get('boot') or merged_text('boot', wish, state.config.get('boot'), find_parameter(known, 'boot'))
    if 'boot' in texts:
        note_option(plan, words, desired, state, known, 'boot', text, wish)
    plan.add('configure', words, wishes={'boot': wish}, texts={'boot': text}, delete=[], disks={}, changed_disks={})


def add_disk_steps(plan, actions, names):
    for one in actions:
        if one.action in names:
            note_disk(plan, one)
            plan.add(f'{one.action}_disk', one.words, key=one.key, wish=one.wish)


def note_pending(plan, desired, state, known, texts, removed, actions):
    """What a running guest will only use after a reboot."""
    if not state.running:
        return
    plan.pending.update({key: value for key, value in state.pending.items() if key not in texts and key not in removed})
    for key in [*texts, *removed]:
        if hotplug.waits(desired.kind, key, state, texts.get(key), find_parameter(known, key)):
            plan.pending[key] = texts.get(key)
    for one in actions:
        if hotplug.disk_waits(desired.kind, one, state, find_parameter(known, one.key)):
            plan.pending[one.key] = None if one.action in ('detach', 'destroy') else one.words


def note_option(plan, words, desired, state, known, key, text, wish):
    kind = desired.kind
    if wish.secret:
        words.append('set the cloud-init password')
        return
    current = state.config.get(key)
    declared = isinstance(wish.value, dict) and any(name in wish.value for name in MAC_NAMES)
    before, after = shown(kind, key, current, declared), shown(kind, key, text, declared)
    before, after = only_differences(before, after)
    plan.differ(before, after)
    words.append(option_words(kind, key, current, before, after, find_parameter(known, key)))


def note_removal(plan, words, desired, state, known, key):
    before = shown(desired.kind, key, state.config[key], False)
    plan.differ(before, {})
    words.append(f'remove {label(desired.kind, key)}')


def note_disk(plan, one):
    plan.differ({'disks': {one.key: one.before}} if one.before else {}, {'disks': {one.key: one.after}} if one.after else {})


def shown(kind, key, text, with_mac):
    """One option as users see it, nested where it belongs; generated addresses left out."""
    if text is None:
        return {}
    found = described_config(kind, {key: text})
    if kind.name_key == key:
        found = {'name': str(text)}
    network = found.get('networks', {}).get(key)
    if isinstance(network, dict) and not with_mac:
        for name in MAC_NAMES:
            network.pop(name, None)
    return found


def only_differences(before, after):
    """Both without what they have in common, at any depth."""
    one, other = {}, {}
    for key in {**before, **after}:
        left, right = before.get(key), after.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            left, right = only_differences(left, right)
            if left:
                one[key] = left
            if right:
                other[key] = right
        elif left != right:
            if key in before:
                one[key] = left
            if key in after:
                other[key] = right
    return one, other


def label(kind, key):
    """An option's name as tasks write it."""
    if key in CLOUD_INIT and kind.name == 'qemu':
        return f'cloud_init.{CLOUD_INIT[key]}'
    if IP_CONFIG.fullmatch(key):
        return f'cloud_init.ip.net{key[len("ipconfig"):]}'
    return 'name' if key == 'hostname' else key


def option_words(kind, key, current, before, after, schema):
    """'set memory from 2048 to 8192', 'add net0 (bridge=vmbr0, tag=20)', 'set tag=20 on net0'."""
    old, new = leaf(before, key), leaf(after, key)
    if property_format(schema) is None or (not isinstance(new, dict) and not isinstance(old, dict)):
        return f'set {label(kind, key)} to {brief(new)}' if is_empty(current) else f'set {label(kind, key)} from {brief(old)} to {brief(new)}'
    new = new if isinstance(new, dict) else {}
    settings = [f'{name}={brief(value)}' for name, value in sorted(new.items())]
    gone = [f'no {name}' for name in sorted(set(old if isinstance(old, dict) else {}) - set(new))]
    if current is None:
        word = 'add' if is_device(key) else 'set'
        return f'{word} {label(kind, key)} ({", ".join(settings)})'
    return f'set {", ".join([*settings, *gone])} on {label(kind, key)}'


def leaf(shown_value, key):
    """The value within what shown() made of one option."""
    value = shown_value
    for _depth in range(3):
        if not isinstance(value, dict) or len(value) != 1:
            break
        name = next(iter(value))
        if name in ('networks', 'cloud_init', 'ip', 'disks') or name in (key, 'name', CLOUD_INIT.get(key)) or name.startswith('net'):
            value = value[name]
        else:
            break
    return value if value != {} else None


def brief(value):
    """A value in a few words."""
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, (list, tuple)):
        value = ', '.join(str(item) for item in value)
    text = ' '.join(str(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + '...'
