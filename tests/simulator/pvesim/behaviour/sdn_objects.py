"""What the handlers of SDN objects have in common: views (configured, running, pending) and small changes."""

from __future__ import annotations

from ..call import ApiError, Call
from ..model import sdn
from ..model.sections import digest

SEE = ('SDN.Audit', 'SDN.Allocate')


def view(call: Call, what: str) -> tuple[dict[str, dict], str | None]:
    """(objects, digest) as `pending` or `running` ask; the digest is null but for the configured ones."""
    if call.params.get('pending'):
        return sdn.pending(call.cluster, what), None
    if call.params.get('running'):
        return sdn.running(call.cluster, what), None
    configured = sdn.objects(call.cluster, what)
    return configured, current_digest(configured)


def current_digest(configured: dict) -> str:
    """The pve IPAM is always there and is no content of the file."""
    return digest({name: entry for name, entry in configured.items() if entry != {'type': 'pve'}})


def known(objects: dict[str, dict], word: str, name: str) -> dict:
    if name not in objects:
        raise ApiError(f"sdn {word} '{name}' does not exist")
    return objects[name]


def shown(entry: dict, key: str, name: str, current: str | None) -> dict:
    return {**entry, key: name, 'digest': current}
