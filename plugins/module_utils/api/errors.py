# Copyright: (c) 2026, pve.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that users see. Each class has a stable `code`; PVE's own words stay in the message."""

from __future__ import annotations


class FleetError(Exception):
    """Something that went wrong, in one sentence.

    message: what, where, what to do; never a secret.
    status: the HTTP status that fits (the server's own where there was one).
    details: JSON-serialisable facts for programs, such as `errors` (parameter -> text).
    """

    code = 'Internal'
    default_status = 500

    def __init__(self, message, *, status=None, details=None):
        super().__init__(message)
        self.message = message
        self.status = status or self.default_status
        self.details = dict(details or {})

    def as_dict(self):
        """The `error` key of a failed task: {code, status, message, details}."""
        return {'code': self.code, 'status': self.status, 'message': self.message, 'details': self.details}

    def with_message(self, message):
        """The same error with other words (its status and details are kept)."""
        return type(self)(message, status=self.status, details=self.details)


class BadRequest(FleetError):
    code = 'BadRequest'
    default_status = 400


class Unauthorized(FleetError):
    code = 'Unauthorized'
    default_status = 401


class Forbidden(FleetError):
    code = 'Forbidden'
    default_status = 403


class NotFound(FleetError):
    code = 'NotFound'
    default_status = 404


class Conflict(FleetError):
    code = 'Conflict'
    default_status = 409


class Locked(FleetError):
    code = 'Locked'
    default_status = 423


class Timeout(FleetError):
    code = 'Timeout'
    default_status = 504


class TaskFailed(FleetError):
    code = 'TaskFailed'
    default_status = 500


class BadGateway(FleetError):
    code = 'BadGateway'
    default_status = 502


class Internal(FleetError):
    code = 'Internal'
    default_status = 500


CLASSES = {
    error.code: error
    for error in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        Conflict,
        Locked,
        Timeout,
        TaskFailed,
        BadGateway,
        Internal,
    )
}
