# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Connection as options of modules: ours, or community.proxmox's. Pure."""

from __future__ import annotations


def fleet_settings(connection):
    """Option names of this collection (without `cluster`, so that they can be used where no registry is)."""
    endpoint, credential = connection.endpoints[0], connection.credential
    found = {
        'api_host': endpoint.host,
        'api_port': endpoint.port,
        'validate_certs': connection.validate_certs,
        'ca_path': connection.ca_path,
        'fingerprint': endpoint.fingerprint,
    }
    if credential.token_id:
        return {**found, 'api_token_id': credential.token_id, 'api_token_secret': credential.token_secret}
    return {**found, 'api_user': credential.user, 'api_password': credential.password}


def community_settings(connection):
    """Option names of community.proxmox, whose modules know one endpoint and no fingerprints.

    A pinned certificate is not silently trusted there: it has to be signed by ca_path or a known authority.
    """
    endpoint, credential = connection.endpoints[0], connection.credential
    found = {'api_host': endpoint.host, 'api_port': endpoint.port, 'validate_certs': connection.validate_certs}
    if connection.validate_certs and connection.ca_path:
        found['ca_path'] = connection.ca_path
    if credential.token_id:
        user, name = credential.token_id.split('!', 1)
        return {**found, 'api_user': user, 'api_token_id': name, 'api_token_secret': credential.token_secret}
    return {**found, 'api_user': credential.user, 'api_password': credential.password}


STYLES = {'fleet': fleet_settings, 'community_proxmox': community_settings}
