# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja expressions of the inventory's configuration, compiled once and evaluated for thousands of hosts.

Ansible's own templating takes about a millisecond for each evaluation. An expression that uses nothing but plain Jinja and
a few pure filters and tests is compiled by a sandboxed environment of our own; any other is left to Ansible. The values of
variables are data in both cases: they are never rendered themselves.
"""

from __future__ import annotations

import functools
import threading

from ansible.errors import AnsibleError
from ansible.plugins.filter.core import FilterModule as CoreFilters
from ansible.plugins.filter.mathstuff import FilterModule as MathFilters
from ansible.plugins.test.core import TestModule as CoreTests
from ansible.plugins.test.mathstuff import TestModule as MathTests
from jinja2 import StrictUndefined, TemplateError, Undefined, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.pve.fleet.plugins.plugin_utils.plain import plain

OWN_FILTERS = frozenset(
    'abs capitalize count d default first float int join last length list lower rejectattr reject replace reverse select '
    'selectattr sort string title trim upper'.split()
)
OWN_TESTS = frozenset(
    'boolean callable defined divisibleby eq equalto even false ge gt greaterthan in integer float iterable le lessthan '
    'lower lt mapping ne none number odd sameas sequence string true undefined upper'.split()
)
ANSIBLE_FILTERS = frozenset(
    'basename bool difference dirname intersect regex_escape regex_findall regex_replace split ternary union'.split()
)
ANSIBLE_TESTS = frozenset('contains match regex search subset superset'.split())
# What only Ansible's own templating knows.
ANSIBLE_NAMES = frozenset('lookup q query now undef vars environment omit groups hostvars playbook_dir'.split())


class ExpressionError(AnsibleError):
    """An expression that cannot be compiled or that failed for one host."""


@functools.cache
def environment():
    """The sandboxed environment, with the filters and tests that are sure to do the same as under Ansible."""
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    filters = {**CoreFilters().filters(), **MathFilters().filters()}
    tests = {**CoreTests().tests(), **MathTests().tests()}
    made.filters.update({name: filters[name] for name in ANSIBLE_FILTERS if name in filters})
    made.tests.update({name: tests[name] for name in ANSIBLE_TESTS if name in tests})
    return made


def is_plain(tree):
    """Whether a parsed template uses only what our environment does as Ansible would."""
    filters = {one.name for one in tree.find_all(nodes.Filter)}
    tests = {one.name for one in tree.find_all(nodes.Test)}
    known = filters <= OWN_FILTERS | ANSIBLE_FILTERS and tests <= OWN_TESTS | ANSIBLE_TESTS
    return known and not meta.find_undeclared_variables(tree) & ANSIBLE_NAMES


class Expressions:
    """Compiles the expressions of one inventory source.

    expression: function(text, variables) -> value, template: function(text, variables) -> text, both Ansible's own.
    """

    def __init__(self, expression, template):
        self.slow_expression = expression
        self.slow_template = template
        # Ansible's templating is not made for threads.
        self.lock = threading.Lock()

    def expression(self, text):
        """An expression such as "status == 'running'" -> function(variables) -> value. Raises ExpressionError."""
        source = plain(text) if isinstance(text, str) else text
        if not isinstance(source, str):
            return lambda variables: source
        compiled = self.compiled(source, '{{ (' + source + ') }}', lambda: environment().compile_expression(source, False))
        if compiled is None:
            return lambda variables: self.by_ansible(self.slow_expression, text, variables)
        return lambda variables: evaluated(compiled, source, variables)

    def template(self, text):
        """A template such as '{{ name }}.{{ cluster }}' -> function(variables) -> text. Raises ExpressionError."""
        source = plain(str(text))
        compiled = self.compiled(source, source, lambda: environment().from_string(source).render)
        if compiled is None:
            return lambda variables: str(self.by_ansible(self.slow_template, text, variables))
        return lambda variables: evaluated(compiled, source, variables)

    def compiled(self, source, whole, make):
        """The compiled form, None when Ansible has to do it. Raises ExpressionError for what is no Jinja."""
        try:
            return make() if is_plain(environment().parse(whole)) else None
        except TemplateError as error:
            raise ExpressionError(f'{source!r} is not a Jinja expression: {error}') from None

    def by_ansible(self, function, text, variables):
        try:
            with self.lock:
                return function(text, variables)
        except AnsibleError as error:
            raise ExpressionError(f'{plain(text)!r}: {error.message or error}') from None


def evaluated(compiled, source, variables):
    try:
        value = compiled(variables)
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, AnsibleError) as error:
        raise ExpressionError(f'{source!r}: {error}') from None
    if isinstance(value, Undefined):
        raise ExpressionError(f'{source!r}: {value._undefined_message}')
    return value
