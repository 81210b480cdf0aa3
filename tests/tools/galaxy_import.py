# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the artifact of the collection in the current folder and import it as Ansible Galaxy would.

Any warning or error of the importer fails, save for its note that files with exceptions from sanity tests exist: a test
asks for a reason beside each exception. ansible-lint and ansible-test are left out here: both run on their own, with
stricter settings.
"""
from __future__ import annotations

import logging
import sys
import tempfile

from galaxy_importer import config
from galaxy_importer.collection import import_collection
from galaxy_importer.exceptions import ImporterError

KNOWN = 'Ignore files skip ansible-test sanity tests, found '


class Complaints(logging.Handler):
    """Keeps what the importer says at level warning and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not message.startswith(KNOWN):
            self.lines.append(f'{record.levelname}: {message}')


def main() -> int:
    complaints = Complaints()
    logger = logging.getLogger('galaxy_importer')
    logger.setLevel(logging.INFO)
    logger.addHandler(complaints)
    settings = config.Config(config_data={'run_ansible_lint': False, 'run_ansible_test': False, 'run_flake8': False, 'check_required_tags': True})
    with tempfile.TemporaryDirectory() as folder:
        try:
            data, artifact = import_collection(git_clone_path='.', output_path=folder, logger=logger, cfg=settings)
        except ImporterError as error:
            complaints.lines.append(f'ERROR: {error}')
        else:
            print(f'{artifact}: {len(data["contents"])} contents')
    print('\n'.join(complaints.lines))
    return 1 if complaints.lines else 0


if __name__ == '__main__':
    sys.exit(main())
