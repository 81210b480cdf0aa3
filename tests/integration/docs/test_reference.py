# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the documentation that list what the code has: error codes, environment variables, privileges, playbooks, modules, roles."""
from __future__ import annotations

import re

import pytest
from checkout import ROOT

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import CLASSES
from ansible_collections.pve.fleet.plugins.module_utils.clusters.tiers import PRIVILEGES, role_id

VARIABLE = re.compile(r'\b(?:PVE|PROXMOX)_[A-Z_]*[A-Z]\b')
# In examples of documentation: a secret's name of the reader's own.
NAMES_OF_EXAMPLES = {'PVE_ADMIN_PASSWORD'}
# What each job is called, and the page that is its guide.
GUIDES = {
    'registering': 'register.md', 'inventory': '../inventory.md', 'provisioning': 'provision.md', 'templates': 'templates.md',
    'tenants': 'workspaces.md', 'maintenance': 'maintenance.md', 'backups': 'backups.md', 'monitoring': 'monitoring.md', 'audit': 'audit.md',
    'pipelines': 'pipelines.md', 'AWX': 'awx.md',
}


# Playbook to the guide that has the table of its variables.
VARIABLES = {
    'onboard': 'register.md', 'provision': 'provision.md', 'decommission': 'provision.md', 'rolling_update': 'maintenance.md',
    'evacuate_node': 'maintenance.md', 'health': 'monitoring.md', 'audit': 'audit.md',
}


def text_of(page):
    return (ROOT / page).read_text(encoding='utf-8')


def first_cells(page):
    """What the first columns of a page's tables name, in order."""
    return [code for cell in re.findall(r'^\| (`[^|]*) \|', text_of(page), re.M) for code in re.findall(r'`([^`]+)`', cell)]


def test_every_error_code_is_explained():
    assert first_cells('docs/troubleshooting.md') == list(CLASSES)


def test_every_environment_variable_is_listed():
    read = {name for file in (ROOT / 'plugins').rglob('*.py') for name in VARIABLE.findall(file.read_text(encoding='utf-8'))}
    assert set(VARIABLE.findall(text_of('docs/environment.md'))) == read - NAMES_OF_EXAMPLES


def test_the_privileges_of_the_tiers_are_those_that_are_given():
    rows = re.findall(r'^\| `(Fleet\w+)` \| (.+) \|$', text_of('docs/security.md'), re.M)
    below = set()
    for (role, words), (tier, privileges) in zip(rows, PRIVILEGES.items(), strict=True):
        assert role == role_id(tier)
        assert set(re.findall(r'[A-Z]\w+(?:\.[A-Z]\w+)+', words)) == privileges - below
        below = privileges


def test_there_is_a_guide_for_each_job():
    listed = re.findall(r'\]\(([^)]+)\)', text_of('docs/guides/README.md'))
    assert sorted(listed) == sorted(GUIDES.values())
    assert {file.name for file in (ROOT / 'docs' / 'guides').glob('*.md')} - {'README.md'} == {name for name in listed if '/' not in name}


def variables(playbook):
    """What a playbook takes: names that have a default or may be missing, and those that it asks for."""
    text = text_of(f'playbooks/{playbook}.yml')
    asked = [name for names in re.findall(r'answers_\w+: \[([a-z_, ]+)\]', text) for name in names.split(', ')]
    return {*re.findall(r'\b([a-z_]+) (?:is defined|\| default\()', text), *asked}


@pytest.mark.parametrize('playbook', VARIABLES)
def test_a_guide_names_the_variables_of_its_playbook(playbook):
    text = text_of(f'docs/guides/{VARIABLES[playbook]}')
    assert {name for name in variables(playbook) if not re.search(rf'`{name}\b|-e {name}=', text)} == set()


@pytest.mark.parametrize('guide', sorted(set(VARIABLES.values())))
def test_the_tables_of_a_guide_name_variables_that_exist(guide):
    texts = ' '.join(text_of(f'playbooks/{playbook}.yml') for playbook, page in VARIABLES.items() if page == guide)
    assert {name for name in first_cells(f'docs/guides/{guide}') if not re.search(rf'\b{name}\b', texts)} == set()


def test_every_playbook_has_a_guide():
    assert set(VARIABLES) == {file.stem for file in (ROOT / 'playbooks').glob('*.yml')} - {'demo'}


def test_the_readme_names_everything_that_is_there():
    text = text_of('README.md')
    for module in (ROOT / 'plugins' / 'modules').glob('*.py'):
        assert f'`{module.stem}`' in text, module.stem
    for folder in ('roles/*', 'playbooks/*.yml', 'plugins/lookup/*.py'):
        for file in ROOT.glob(folder):
            assert re.search(rf'\b{file.stem}\b', text), file


def test_every_page_is_reached_from_the_overview():
    overview = {(ROOT / 'docs' / link).resolve() for page in ('README.md', 'guides/README.md', 'migration.md')
                for link in re.findall(r'\]\(([^)#]+)', text_of(f'docs/{page}'))
                for link in (link, f'guides/{link}')}
    pages = set((ROOT / 'docs').rglob('*.md')) - {ROOT / 'docs' / 'README.md'}
    assert pages - overview == set()
