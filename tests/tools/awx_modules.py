# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write down which options the modules of awx.awx take that extensions/awx/setup.yml uses, from an unpacked collection awx.awx.

Usage: python tests/tools/awx_modules.py FOLDER    (.../ansible_collections/awx/awx; needs PyYAML)

The tests of setup.yml read tests/integration/workflows/awx_modules.json, since the collection is in no package that they install.
"""
from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import yaml
from checkout import ROOT

TARGET = ROOT / 'tests' / 'integration' / 'workflows' / 'awx_modules.json'
BLOCK = re.compile(r"DOCUMENTATION = r?'''(.*?)'''", re.S)
KEPT = ('type', 'elements', 'required', 'choices', 'default', 'aliases')


def spec(options: dict) -> dict:
    """An argument spec of documented options."""
    found = {}
    for name, option in options.items():
        found[name] = {key: option[key] for key in KEPT if option.get(key) not in (None, [])}
        if 'suboptions' in option:
            found[name]['options'] = spec(option['suboptions'])
    return found


def options(file: Path) -> dict:
    return yaml.safe_load(BLOCK.search(file.read_text(encoding='utf-8'))[1])['options']


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__)
        return 2
    folder = Path(arguments[0])
    setup = (ROOT / 'extensions' / 'awx' / 'setup.yml').read_text(encoding='utf-8')
    login = options(folder / 'plugins' / 'doc_fragments' / 'auth.py')
    names = sorted(set(re.findall(r'^ +awx\.awx\.(\w+):$', setup, re.M)))
    modules = {name: spec({**login, **options(folder / 'plugins' / 'modules' / f'{name}.py')}) for name in names}
    version = json.loads((folder / 'MANIFEST.json').read_text(encoding='utf-8'))['collection_info']['version']
    TARGET.write_text(json.dumps({'version': version, 'modules': modules}, indent=1, sort_keys=True) + '\n', encoding='utf-8')
    print(f'{len(modules)} modules of awx.awx {version} are in {TARGET.relative_to(ROOT)}.')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
