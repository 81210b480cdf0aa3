"""Certificates of a node's API."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import Any

from ..call import ApiError, Call, ParameterError, operation
from ..model.figures import share
from ..tasks import Task

DAY = 86400
# The certificates themselves are not simulated, only what is said of them.
NO_TEXT = '<certificate>\n'
CA_LIFE, NODE_LIFE, ACME_LIFE = 3650 * DAY, 730 * DAY, 90 * DAY


def fingerprint(*names: str) -> str:
    digest = hashlib.sha256(':'.join(names).encode()).hexdigest().upper()
    return ':'.join(digest[index:index + 2] for index in range(0, 64, 2))


def authority(call: Call) -> str:
    unit = hashlib.md5(call.cluster.name.encode()).hexdigest()
    name = '-'.join((unit[:8], unit[8:12], unit[12:16], unit[16:20], unit[20:]))
    return f'/CN=Proxmox Virtual Environment/OU={name}/O=PVE Cluster Manager CA'


def made_at(call: Call) -> int:
    """When the node's certificate was made: some time in its life, so that expiry differs from node to node."""
    node = call.node
    if node.extra.get('container'):
        return int(node.booted_at)
    now = call.clock.now()
    return int(now - share(call.cluster.name, node.name, 'certificate') * (NODE_LIFE - DAY)) // DAY * DAY


@operation('GET', '/nodes/{node}/certificates/info')
def info(call: Call) -> list[dict]:
    node, issuer, began = call.node, authority(call), made_at(call)
    names = ['127.0.0.1', '0000:0000:0000:0000:0000:0000:0000:0001', 'localhost', node.ip, node.name]
    if domain := node.dns.get('search'):
        names.append(f'{node.name}.{domain}')
    rows = [
        row('pve-root-ca.pem', issuer, issuer, began, CA_LIFE, 4096, fingerprint(call.cluster.name, 'ca'), [],
            NO_TEXT),
        row('pve-ssl.pem', f'/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={node.name}', issuer, began, NODE_LIFE,
            2048, node.fingerprint or fingerprint(call.cluster.name, node.name), names, NO_TEXT),
    ]
    if custom := node.extra.get('custom_certificate'):
        rows.append(custom)
    return rows


def row(name: str, subject: str, issuer: str, began: int, life: int, bits: int, print: str, names: list[str],
        pem: str) -> dict[str, Any]:
    return {'filename': name, 'subject': subject, 'issuer': issuer, 'notbefore': began, 'notafter': began + life,
            'public-key-type': 'rsaEncryption', 'public-key-bits': bits, 'fingerprint': print, 'san': names, 'pem': pem}


def keep_custom(call: Call, life: int, issuer: str, pem: str) -> dict:
    now = int(call.clock.now())
    name = f'{call.node.name}.{call.node.dns.get("search", "example.test")}'
    call.node.extra['custom_certificate'] = row('pveproxy-ssl.pem', f'/CN={name}', issuer, now, life, 2048,
                                                fingerprint(pem, call.node.name), [name], pem)
    return call.node.extra['custom_certificate']


@operation('POST', '/nodes/{node}/certificates/custom')
def upload(call: Call) -> dict:
    pem = call.params['certificates']
    if call.node.extra.get('custom_certificate') and not call.params.get('force'):
        raise ParameterError({'certificates': "Custom certificate exists but 'force' is not set."})
    if not call.params.get('key') and not call.node.extra.get('custom_certificate'):
        raise ParameterError({'key': 'Attempted to upload custom certificate without (existing) key.'})
    return keep_custom(call, 365 * DAY, '/CN=Example CA', pem)


@operation('DELETE', '/nodes/{node}/certificates/custom')
def delete(call: Call) -> None:
    call.node.extra.pop('custom_certificate', None)


@operation('POST', '/nodes/{node}/certificates/acme/certificate')
@operation('PUT', '/nodes/{node}/certificates/acme/certificate')
def order(call: Call) -> str:
    if not any(key.startswith('acme') for key in call.node.config):
        raise ApiError('No ACME domains configured on this node')
    existing = call.node.extra.get('custom_certificate')
    if call.operation.method == 'PUT' and not existing:
        raise ApiError('No current (custom) certificate found, please order a new certificate!')
    if call.operation.method == 'POST' and existing and not call.params.get('force'):
        raise ParameterError({'force': "Custom certificate exists but 'force' is not set."})

    def work(task: Task) -> Generator:
        task.log('Loading ACME account details\nPlacing ACME order')
        yield 5.0
        keep_custom(call, ACME_LIFE, "/C=US/O=Let's Encrypt/CN=R11", NO_TEXT)
        task.log('All domains validated!\nSetting pveproxy certificate and key\nRestarting pveproxy')

    return call.task('acmenewcert' if call.operation.method == 'POST' else 'acmerenew', None, work)


@operation('DELETE', '/nodes/{node}/certificates/acme/certificate')
def revoke(call: Call) -> str:
    if not call.node.extra.get('custom_certificate'):
        raise ApiError('No custom certificate found')

    def work(task: Task) -> Generator:
        task.log('Revoking old certificate')
        yield 2.0
        call.node.extra.pop('custom_certificate', None)

    return call.task('acmerevoke', None, work)
