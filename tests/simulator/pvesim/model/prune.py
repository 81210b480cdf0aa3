"""Which backups a retention keeps (PVE::PruneBackups): pure functions of names, times and keep-* counts."""

from __future__ import annotations

import calendar
import time

from .storage import Volume
from .volume_names import ARCHIVE

PERIODS = (
    ('keep-hourly', lambda moment: time.strftime('%Y/%m/%d/%H', moment)),
    ('keep-daily', lambda moment: time.strftime('%Y/%m/%d', moment)),
    ('keep-weekly', lambda moment: time.strftime('%G/%V', moment)),
    ('keep-monthly', lambda moment: time.strftime('%Y/%m', moment)),
    ('keep-yearly', lambda moment: time.strftime('%Y', moment)),
)


def parse_keep(text: str | dict) -> dict[str, int]:
    """'keep-last=3,keep-daily=1' -> {'keep-last': 3, 'keep-daily': 1}; zeros are dropped."""
    pairs = text.items() if isinstance(text, dict) else (item.split('=', 1) for item in text.split(',') if '=' in item)
    return {name.strip(): int(value) for name, value in pairs if int(value)}


def print_keep(keep: dict[str, int]) -> str:
    return ','.join(f'{name}={keep[name]}' for name in sorted(keep))


def keeps_all(keep: dict[str, int]) -> bool:
    return not keep or bool(keep.get('keep-all'))


def archive_kind(volume: Volume) -> str:
    """'qemu', 'lxc' or 'unknown' of a backup."""
    return volume.extra.get('kind', 'unknown')


def standard_name(volume: Volume) -> bool:
    """Whether the archive is named as vzdump names it; others are 'renamed' and never pruned."""
    name = volume.volid.partition(':')[2]
    return volume.format.startswith('pbs') or bool(ARCHIVE.match(name.rpartition('/')[2]))


def mark(volumes: list[Volume], keep: dict[str, int]) -> dict[str, str]:
    """volid -> 'keep', 'remove', 'protected' or 'renamed', guest by guest."""
    marks, groups = {}, {}
    for volume in volumes:
        if volume.protected:
            marks[volume.volid] = 'protected'
        elif not standard_name(volume):
            marks[volume.volid] = 'renamed'
        else:
            groups.setdefault((archive_kind(volume), volume.vmid), []).append(volume)
    for group in groups.values():
        marks.update(mark_group(group, keep))
    return marks


def mark_group(group: list[Volume], keep: dict[str, int]) -> dict[str, str]:
    newest_first = sorted(group, key=lambda volume: (volume.ctime, volume.volid), reverse=True)
    if keeps_all(keep):
        return {volume.volid: 'keep' for volume in newest_first}
    marks: dict[str, str] = {volume.volid: 'keep' for volume in newest_first[: keep.get('keep-last', 0)]}
    for name, period_of in PERIODS:
        if keep.get(name):
            mark_periods(newest_first, marks, keep[name], period_of)
    return {volume.volid: marks.get(volume.volid, 'remove') for volume in newest_first}


def mark_periods(newest_first: list[Volume], marks: dict[str, str], count: int, period_of) -> None:
    """Keep the newest of each of `count` periods that an earlier rule has not kept one of."""
    covered = {period_of(time.gmtime(volume.ctime)) for volume in newest_first if marks.get(volume.volid) == 'keep'}
    taken: set = set()
    for volume in newest_first:
        if volume.volid in marks:
            continue
        period = period_of(time.gmtime(volume.ctime))
        if period in covered:
            continue
        if period in taken:
            marks[volume.volid] = 'remove'
            continue
        if len(taken) >= count:
            break
        taken.add(period)
        marks[volume.volid] = 'keep'


def stamp(moment: float) -> str:
    """The time in an archive's name (the simulator's nodes count in UTC)."""
    return time.strftime('%Y_%m_%d-%H_%M_%S', time.gmtime(moment))


def stamp_time(text: str) -> int:
    return calendar.timegm(time.strptime(text, '%Y_%m_%d-%H_%M_%S'))
