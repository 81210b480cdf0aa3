# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the compiled form of this collection's Python files, as Python does for every other package.

Ansible's importer compiles the files of collections anew at each start. Within kept(), Python's own importer finds those below plugins/
and keeps the result in __pycache__ where it may write; every start after the first then saves the time of compiling. Everything else, the
collection's package itself among it, stays with Ansible.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.machinery
import sys

PREFIX = 'ansible_collections.pve.fleet.plugins.'
SOURCES = (importlib.machinery.SourceFileLoader, importlib.machinery.SOURCE_SUFFIXES)


@functools.cache
def finder_of(folder):
    """Python's finder of the source files in a folder."""
    return importlib.machinery.FileFinder(folder, SOURCES)


class PluginsFinder:
    """An entry of sys.meta_path for the modules below plugins/ of this collection."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        """The ModuleSpec of a module below plugins/, None for all others: those are looked for by the next finder."""
        if not fullname.startswith(PREFIX) or not path:
            return None
        found = finder_of(next(iter(path))).find_spec(fullname)
        # A folder without __init__.py is Ansible's to make a package of.
        return found if found is not None and found.loader is not None else None


@contextlib.contextmanager
def kept():
    """Import what is imported here from its compiled form, where there is one, and keep it where there is none."""
    sys.meta_path.insert(0, PluginsFinder)
    try:
        yield
    finally:
        sys.meta_path.remove(PluginsFinder)
