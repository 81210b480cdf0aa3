# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written for Prometheus is in its formats, whatever the names in a cluster are."""
from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pve.fleet.plugins.module_utils.api.errors import BadGateway
from ansible_collections.pve.fleet.plugins.module_utils.facts import health, samples

NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf'({NAME})\{{({LABEL}(?:,{LABEL})*)\}} (\S+)')
ESCAPES = {'\\\\': '\\', '\\"': '"', '\\n': '\n'}


def parsed(text):
    """The text format of Prometheus, strictly -> {(metric, labels): value}.

    Lines end in a line feed, the last one too; HELP and TYPE stand once, before the samples, and all lines of a metric stand
    together; no series comes twice; in label values only backslash, quote and line feed are escaped.
    """
    assert text.endswith('\n')
    assert '\r' not in re.sub(LABEL, '', text)
    found, described, current = {}, {}, None
    for line in text[:-1].split('\n'):
        if line.startswith('# '):
            word, name, rest = line[2:].split(' ', 2)
            assert re.fullmatch(NAME, name)
            assert rest
            assert word not in described.setdefault(name, {}), f'{word} of {name} comes twice'
            assert not any(metric == name for metric, _labels in found), f'{word} of {name} comes after its samples'
            if word == 'TYPE':
                assert rest in ('counter', 'gauge', 'untyped')
                assert name.endswith('_total') == (rest == 'counter')
            else:
                assert word == 'HELP'
            described[name][word], current = rest, name
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] == current, f'{match[1]} stands among the lines of {current}'
        assert set(described[current]) == {'HELP', 'TYPE'}
        labels = re.findall(LABEL, match[2])
        assert len({name for name, _value in labels}) == len(labels)
        key = (match[1], tuple(sorted((name, re.sub(r'\\.', lambda one: ESCAPES[one[0]], value)) for name, value in labels)))
        assert key not in found, f'{key} comes twice'
        found[key] = float(match[match.lastindex])
        assert math.isfinite(found[key])
    return found


TEXT = st.text(st.characters(exclude_categories=['Cs']), max_size=12)
FIGURE = st.one_of(st.none(), st.integers(0, 2**63), st.floats(0, 1e18), st.integers(0, 9).map(str), st.just('nan'), st.just(''))
GUESTS = st.lists(st.tuples(TEXT, FIGURE, FIGURE, st.booleans()), max_size=6)


def rows_of(guests):
    yield {'id': 'node/pve1', 'type': 'node', 'node': 'pve1', 'status': 'online', 'maxcpu': 8, 'cpu': 0.5, 'uptime': '77'}
    yield {'id': 'storage/pve1/local', 'type': 'storage', 'node': 'pve1', 'storage': 'local', 'status': 'available', 'maxdisk': 100, 'disk': 7}
    for number, (name, memory, network, running) in enumerate(guests):
        yield {'id': f'qemu/{100 + number}', 'type': 'qemu', 'vmid': 100 + number, 'node': 'pve1', 'name': name, 'mem': memory, 'netin': network,
               'status': 'running' if running else 'stopped', 'template': 0}


JUDGEMENT = {'status': 'degraded', 'reasons': [{'code': 'ha_error', 'severity': 'warning'}, {'code': 'ha_error', 'severity': 'warning'}]}


@given(TEXT, GUESTS)
def test_metrics_are_valid_whatever_the_names_are(cluster, guests):
    down = ('down' + cluster, health.unreachable(BadGateway('x')), None)
    found = parsed(samples.prometheus([(cluster, JUDGEMENT, list(rows_of(guests))), down]))
    up = {labels: value for (metric, labels), value in found.items() if metric == 'pve_guest_up'}
    assert sorted(dict(labels)['name'] for labels in up) == sorted(name for name, *_more in guests)
    assert found['pve_up', (('cluster', cluster),)] == 1
    assert found['pve_up', (('cluster', 'down' + cluster),)] == 0
    assert found['pve_cluster_reason', (('cluster', cluster), ('code', 'ha_error'), ('severity', 'warning'))] == 2
    assert found['pve_node_uptime_seconds', (('cluster', cluster), ('node', 'pve1'))] == 77


@pytest.mark.parametrize('wrong', ['a 1\n', 'a{b="c"} 1', '# TYPE a gauge\na{b="c"} 1\n', '# HELP a x\n# TYPE a gauge\na{b="\\t"} 1\n',
                                   '# HELP a x\n# TYPE a gauge\na{b="c"} 1\na{b="c"} 2\n', '# HELP a x\n# TYPE a gauge\na{b="c"} NaN\n'])
def test_the_parser_of_these_tests_is_strict(wrong):
    with pytest.raises((AssertionError, KeyError)):
        parsed(wrong)


VIEW = {'nodes': [{'type': 'node', 'cluster': 'prod', 'node': 'pve1', 'name': 'pve1', 'status': 'online', 'address': 'fd00::1'}], 'guests': [
    {'type': 'qemu', 'cluster': 'prod', 'node': 'pve1', 'name': name, 'vmid': vmid, 'status': 'running', 'pool': None, 'tags': [], 'template': False}
    for vmid, name in ((1000, 'db'), (101, 'web'))
]}


def test_a_list_of_targets_is_what_prometheus_reads():
    listed = json.loads(samples.as_json(samples.in_order(samples.targets([VIEW], 9100))))
    assert [one['targets'] for one in listed] == [['[fd00::1]:9100'], ['web:9100'], ['db:9100']]
    for one in listed:
        assert set(one) == {'targets', 'labels'}
        assert all(re.fullmatch(r'[a-zA-Z_][a-zA-Z0-9_]*', name) and isinstance(value, str) for name, value in one['labels'].items())


def test_targets_of_a_cluster_that_does_not_answer_are_kept(tmp_path):
    file = tmp_path / 'pve.json'
    assert samples.targets_of(str(file), ['prod']) == []
    file.write_text(samples.as_json(samples.targets([VIEW], 9100)))
    assert len(samples.targets_of(str(file), ['prod'])) == 3
    assert samples.targets_of(str(file), ['lab']) == []
    for text in ('', '{}', '[1]', '[{"labels": {}}]'):
        file.write_text(text)
        assert samples.targets_of(str(file), ['prod']) == []


def test_a_file_that_cannot_be_replaced_is_left_whole(tmp_path, monkeypatch):
    file = tmp_path / 'pve.prom'
    file.write_text('old\n')

    def full(*_arguments):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(samples.os, 'replace', full)
    with pytest.raises(samples.BadRequest, match='No space left'):
        samples.write_file(str(file), 'new\n', False)
    assert [one.name for one in tmp_path.iterdir()] == ['pve.prom']
    assert file.read_text() == 'old\n'


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / 'real.prom').write_text('old\n')
    (tmp_path / 'link.prom').symlink_to('real.prom')
    assert samples.write_file(str(tmp_path / 'link.prom'), 'new\n', False)
    assert (tmp_path / 'link.prom').is_symlink()
    assert (tmp_path / 'real.prom').read_text() == 'new\n'
