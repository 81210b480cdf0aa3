# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret is never in the raw bytes of what the registry stores."""
from __future__ import annotations

from registries import CANARY, cluster, execute, token

from ansible_collections.pve.fleet.plugins.module_utils.registry import model
from ansible_collections.pve.fleet.plugins.module_utils.registry.records import AuditRecord, StoredCredential


def fill(registry):
    """Plant the canary wherever a secret may go."""
    record = registry.save_cluster(cluster(), [token('viewer'), StoredCredential('admin', 'password', 'root@pam', CANARY)])
    record = registry.save_cluster(record, [token('viewer', CANARY + '-2')])
    registry.append_audit(
        AuditRecord(
            'pve_cluster_registry',
            'update',
            before={'credentials': [{'token_secret': CANARY}]},
            after={'api_password': CANARY},
            changes=[f'set cipassword={CANARY}', f'Authorization: PVEAPIToken=a@pve!b={CANARY}'],
        )
    )
    assert registry.connection('prod', 'viewer').credential.secret == CANARY + '-2'
    return record


def test_it_is_in_no_file_of_sqlite(file_registry, key_file):
    files = file_registry.location.path.parent

    def check():
        found = {path.name: CANARY.encode() in path.read_bytes() for path in [*files.iterdir(), key_file]}
        assert not any(found.values()), found
        return found

    fill(file_registry)
    assert {'registry.db', 'registry.db-wal', 'registry.db-shm'} <= set(check())
    file_registry.rotate_key()
    check()
    file_registry.remove_cluster('prod')
    file_registry.close()
    check()


def test_it_is_in_no_table(registry):
    fill(registry)
    registry.rotate_key()
    for name in model.tables().metadata.tables:
        assert CANARY not in str(execute(registry, f'SELECT * FROM {name}'))  # noqa: S608


def test_a_removed_secret_leaves_not_even_its_ciphertext(file_registry):
    record = fill(file_registry)
    ciphertexts = [row[0].encode() for row in execute(file_registry, 'SELECT secret FROM credentials')]
    file_registry.remove_cluster(record.id)
    file_registry.close()
    data = file_registry.location.path.read_bytes()
    assert len(ciphertexts) == 2
    assert not any(text[:40] in data or text[-40:] in data for text in ciphertexts)
