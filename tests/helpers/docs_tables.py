# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of docs/migration: sections for modules of community.proxmox, with rows of options there and here."""
from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import yaml

CODE = re.compile(r'`([^`]+)`')
HEADING = re.compile(r'^## (.+)$', re.M)
ROW = re.compile(r'^\| (.+?) \| (.+) \|$', re.M)
NAME = re.compile(r'[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*')


@dataclasses.dataclass(frozen=True)
class Section:
    """modules: those of community.proxmox in its heading. here: the text between heading and table. rows: [(there, here)]."""

    page: str
    modules: tuple
    here: str
    rows: tuple

    @property
    def ours(self):
        return {token for token in codes(self.here) if re.fullmatch(r'pve_\w+', token)}

    @property
    def paths(self):
        """Paths of the API that the section names, its rows included."""
        return [token for token in codes(self.here + ' '.join(here for dummy, here in self.rows)) if token.startswith('/')]

    @property
    def there(self):
        """Names in the first column: options, also within others (option.suboption counts as both), and values (state: absent)."""
        tokens = [token for there, dummy in self.rows for token in codes(there)]
        return {part for token in tokens for part in (token, *token.split('.'), token.partition(':')[0])}


def codes(text):
    return CODE.findall(text)


def sections(page: Path):
    """The sections of one page."""
    parts = HEADING.split(page.read_text(encoding='utf-8'))[1:]
    found = []
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        rows = [row for row in ROW.findall(body) if row[0] != 'There' and not row[0].startswith('---')]
        names = tuple(name.strip() for name in heading.split(','))
        found.append(Section(page.name, names, body.partition('| There')[0], tuple(rows)))
    return found


def claims(here):
    """What a cell says of our side: ('module', name), ('option', 'a.b'), or ('mapping', {option: value}) of an example in YAML."""
    found = []
    for token in codes(here):
        if re.fullmatch(r'pve_\w+', token):
            found.append(('module', token))
        elif NAME.fullmatch(token):
            found.append(('option', token))
        elif re.fullmatch(r'[a-z_]+: .+', token, re.S):
            found.append(('mapping', yaml.safe_load(token)))
    return found
