# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""extensions/awx/setup.yml, run with modules of awx.awx's names and options that only say what they were given."""
from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from awx import FOLDER, declared, inject
from checkout import COLLECTIONS, ROOT

pytestmark = pytest.mark.matrix
RECORDED = json.loads(Path(__file__).with_name('awx_modules.json').read_text(encoding='utf-8'))
MODULE = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={spec!r})
module.exit_json(changed=True, given={{name: value for name, value in module.params.items() if value is not None}})
"""
GIVEN = {'project_url': 'https://git.example.com/fleet.git', 'image': 'registry.example.com/pve-fleet-ee', 'registry_url': 'postgresql://db/fleet',
         'registry_key': 'a-canary-key'}
QUESTION_KINDS = {'text', 'textarea', 'password', 'integer', 'float', 'multiplechoice', 'multiselect'}


@pytest.fixture
def setup(tmp_path, run_playbook):
    """setup(*arguments, left_out=None) -> the run of setup.yml with the variables that it asks for, but for the one left out."""
    modules = tmp_path / 'collections' / 'ansible_collections' / 'awx' / 'awx' / 'plugins' / 'modules'
    modules.mkdir(parents=True)
    for name, spec in RECORDED['modules'].items():
        (modules / f'{name}.py').write_text(MODULE.format(spec=spec), encoding='utf-8')
    paths = {'ANSIBLE_COLLECTIONS_PATH': os.pathsep.join([str(tmp_path / 'collections'), str(COLLECTIONS)])}

    def run(*arguments, left_out=None):
        given = {name: value for name, value in GIVEN.items() if name != left_out}
        return run_playbook(FOLDER / 'setup.yml', extra_env=paths, args=['-e', json.dumps(given), *arguments])

    return run


@pytest.fixture
def made(setup):
    """What setup.yml makes: {module: {name: options}}. The credential's options are hidden, since they are secret."""
    found = {}
    run = setup().ok()
    for task in run.tasks:
        if task.action.startswith('awx.awx.'):
            for result in task.result.get('results', [task.result]):
                given = result.get('given', {'name': 'pve.fleet registry'})
                found.setdefault(task.action.rpartition('.')[2], {})[given['name']] = given
    assert GIVEN['registry_key'] not in run.output
    return found


def test_setup_uses_options_that_the_modules_have_and_names_things_that_it_made(made):
    assert set(made) == set(RECORDED['modules'])
    source, = made['inventory_source'].values()
    assert source['inventory'] in made['inventory']
    assert source['source_project'] in made['project']
    assert (FOLDER / 'project' / source['source_path']).is_file()
    assert source['credential'] in made['credential']
    assert {source['execution_environment'], *(one['default_environment'] for one in made['project'].values())} == set(made['execution_environment'])
    schedulable = {*made['job_template'], *made['workflow_job_template'], *made['inventory_source']}
    assert {one['unified_job_template'] for one in made['schedule'].values()} <= schedulable
    assert source['name'] in {one['unified_job_template'] for one in made['schedule'].values()}
    for template in made['job_template'].values():
        assert template['inventory'] in made['inventory']
        assert template['project'] in made['project']
        assert set(template['credentials']) <= set(made['credential'])
        assert (FOLDER / 'project' / template['playbook']).is_file()
    for workflow in made['workflow_job_template'].values():
        nodes = {node['identifier']: node for node in workflow['workflow_nodes']}
        for node in nodes.values():
            wanted = node['unified_job_template']
            assert wanted['type'] == 'workflow_approval' or wanted['name'] in made[wanted['type']]
            assert {one['identifier'] for one in (node.get('related') or {}).get('success_nodes') or []} <= set(nodes)


def test_setup_passes_the_syntax_check_and_says_what_is_missing(setup):
    setup('--syntax-check').ok()
    refused = setup(left_out='image')
    assert (refused.rc, 'Give project_url, image' in refused.output) == (2, True)


def test_every_playbook_of_the_collection_but_the_demo_has_a_job_template():
    used = {template['playbook'] for template in declared('job_templates.yml')}
    assert used == {file.name for file in (FOLDER / 'project').glob('*.yml')}
    assert used >= {file.name for file in (ROOT / 'playbooks').glob('*.yml')} - {'demo.yml'}


def questions():
    """[(where, playbooks that get the answers, question)] of all surveys."""
    templates = {template['name']: template for template in declared('job_templates.yml')}
    found = [(name, [template['playbook']], question) for name, template in templates.items() for question in template.get('survey', [])]
    for workflow in declared('workflows.yml'):
        names = [node['unified_job_template']['name'] for node in workflow['workflow_nodes']]
        found += [(workflow['name'], [templates[name]['playbook'] for name in names if name in templates], question) for question in workflow['survey']]
    return found


@pytest.mark.parametrize(('where', 'playbooks', 'question'), questions(), ids=lambda value: value if isinstance(value, str) else '')
def test_a_survey_asks_for_a_variable_of_its_playbook_in_a_form_that_awx_takes(where, playbooks, question):
    files = [folder / name for name in playbooks for folder in (FOLDER / 'project', ROOT / 'playbooks')]
    variable = re.compile(rf'\b{question["variable"]}\b')
    assert any(variable.search(file.read_text(encoding='utf-8')) for file in files if file.is_file()), where
    assert {'question_name', 'variable', 'type', 'required'} <= set(question)
    assert question['type'] in QUESTION_KINDS
    assert set(question) <= {'question_name', 'question_description', 'variable', 'type', 'required', 'default', 'choices', 'min', 'max'}
    if question['type'] == 'multiplechoice':
        assert all(isinstance(choice, str) for choice in question['choices'])
        assert question.get('default', question['choices'][0]) in question['choices']


def test_a_scheduled_template_needs_no_answers():
    templates = {template['name']: template for template in declared('job_templates.yml')}
    for schedule in declared('inventory.yml')['schedules']:
        assert re.fullmatch(r'DTSTART:\d{8}T\d{6}Z RRULE:FREQ=[A-Z]+;INTERVAL=\d+', schedule['rrule'])
        survey = templates.get(schedule['unified_job_template'], {}).get('survey', [])
        assert all('default' in question or not question['required'] for question in survey)


@pytest.mark.parametrize('kind', declared('credential_types.yml'), ids=lambda kind: kind['name'])
def test_a_credential_type_injects_variables_that_the_collection_reads_from_fields_that_it_has(kind, tmp_path):
    from jinja2 import Environment, meta

    fields = {field['id'] for field in kind['inputs']['fields']}
    assert set(kind['inputs']['required']) <= fields
    assert {field['type'] for field in kind['inputs']['fields']} <= {'string', 'boolean'}
    for template in [*kind['injectors']['env'].values(), *kind['injectors'].get('file', {}).values()]:
        assert meta.find_undeclared_variables(Environment(autoescape=True).parse(template)) <= {*fields, 'tower'}
    documented = ''.join(file.read_text(encoding='utf-8') for file in (ROOT / 'plugins' / 'doc_fragments').glob('*.py'))
    injected = inject(kind, {field: f'value of {field}' for field in fields}, tmp_path)
    assert all(f'E({variable})' in documented for variable in injected)
    assert all(injected.values())


def test_the_project_is_plain_yaml_that_names_this_collection():
    for file in (FOLDER / 'project').rglob('*.yml'):
        yaml.safe_load(file.read_text(encoding='utf-8'))
    assert 'pve.fleet' in [one['name'] for one in yaml.safe_load((FOLDER / 'project/collections/requirements.yml').read_text(encoding='utf-8'))['collections']]
