# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cloud-init: from the option to the options of the API. Pure."""

from __future__ import annotations

import base64
import re

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadRequest
from ansible_collections.pve.fleet.plugins.module_utils.guests.describe import CLOUD_INIT, IP_WORDS
from ansible_collections.pve.fleet.plugins.module_utils.guests.wish import Wish

TYPE = re.compile(r'(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+')
KEYS = frozenset(CLOUD_INIT) | {'cipassword'}
WORDS_TO_API = {word: key for key, word in IP_WORDS.items()}


def is_cloud_init(key):
    """Whether an option of the API belongs to cloud-init."""
    return key in KEYS or key.startswith('ipconfig')


def read_wishes(options):
    """The option cloud_init -> {option of the API: Wish}; the password is left to the caller. Raises BadRequest."""
    wishes = {}
    for key, word in CLOUD_INIT.items():
        value = options.get(word)
        if value is None:
            continue
        if key == 'sshkeys':
            value = key_lines(value)
        if key in ('nameserver', 'searchdomain') and isinstance(value, list):
            value = ' '.join(str(item) for item in value)
        wishes[key] = Wish(value)
    for network, ip in (options.get('ip') or {}).items():
        wishes[ip_key(network)] = Wish(ip_settings(network, ip))
    return wishes


def ip_key(network):
    if not re.fullmatch(r'(net|ipconfig)\d+', network):
        raise BadRequest(f'cloud_init: ip: {network!r} is not a network: keys are net0, net1 and so on.')
    return 'ipconfig' + re.sub(r'\D', '', network)


def ip_settings(network, ip):
    """{address, gateway, address6, gateway6}, or the words dhcp and auto -> the API's dictionary."""
    if isinstance(ip, str):
        return {'dhcp': {'ip': 'dhcp'}, 'auto': {'ip6': 'auto'}}.get(ip, ip)
    if not isinstance(ip, dict):
        raise BadRequest(f'cloud_init: ip: {network} must be a dictionary with address and gateway, or dhcp.')
    known = {**WORDS_TO_API, **{key: key for key in IP_WORDS}}
    unknown = sorted(set(ip) - set(known))
    if unknown:
        raise BadRequest(
            f'cloud_init: ip: {network}: {", ".join(unknown)} is not a setting here; '
            'there are address, gateway, address6 and gateway6.'
        )
    settings = {known[name]: value for name, value in ip.items() if value is not None}
    for name in ('ip', 'ip6'):
        value = str(settings.get(name, 'dhcp'))
        if '/' not in value and value not in ('dhcp', 'auto', 'manual'):
            raise BadRequest(
                f'cloud_init: ip: {network}: {value!r} lacks the length of the network: write {value}/24, '
                'or dhcp.'
            )
    return settings


def is_public_key(line):
    """Whether a line names the type of a key and then has its base64 text; options may stand before the type."""
    words = line.split()
    at = next((index for index, word in enumerate(words) if TYPE.fullmatch(word)), None)
    if at is None or at + 1 >= len(words):
        return False
    try:
        return bool(base64.b64decode(words[at + 1], validate=True))
    except ValueError:
        return False


def key_lines(value):
    """Public keys from a list or from the content of a file, one per item. Raises BadRequest for what is none."""
    items = value if isinstance(value, list) else [value]
    lines = [line.strip() for item in items for line in str(item).splitlines()]
    keys = [line for line in lines if line and not line.startswith('#')]
    for key in keys:
        if not is_public_key(key):
            raise BadRequest(
                f'ssh_keys: {key[:40]!r} is not a public key in the form of OpenSSH. '
                "Give the content of a .pub file, as with lookup('ansible.builtin.file', 'id.pub')."
            )
    return keys
