"""What moto's CloudWatch Logs answers otherwise than AWS."""

from __future__ import annotations

import json
from typing import Any

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogGroup, LogsBackend
from moto.logs.responses import LogsResponse

_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days; the service's model allows any number."""


def install() -> None:
    """Have moto filter by a prefix, know a stream from its group, and keep lines as long as AWS can."""
    _filter_by_prefix()
    _name_unknown_streams()
    _refuse_retentions()


def _filter_by_prefix() -> None:
    """moto passes over the prefix and would answer with every stream's lines."""
    answer = LogsResponse.filter_log_events

    def filter_log_events(self: LogsResponse) -> Any:
        prefix, group = self._get_param("logStreamNamePrefix"), self._get_param("logGroupName")
        if prefix is None or group not in self.logs_backend.groups:
            return answer(self)
        if self._get_param("logStreamNames"):
            raise InvalidParameterException("logStreamNames and logStreamNamePrefix are mutually exclusive.")
        names = [name for name in self.logs_backend.groups[group].streams if name.startswith(prefix)]
        # To moto, no names are all names; no stream has an empty one.
        self.body = json.dumps(json.loads(self.body) | {"logStreamNames": names or [""]})
        return answer(self)

    LogsResponse.filter_log_events = filter_log_events


def _name_unknown_streams() -> None:
    get = LogGroup.get_log_events

    def get_log_events(self: LogGroup, log_stream_name: str, *page: Any) -> Any:
        if log_stream_name not in self.streams:
            raise ResourceNotFoundException("The specified log stream does not exist.")
        return get(self, log_stream_name, *page)

    LogGroup.get_log_events = get_log_events


def _refuse_retentions() -> None:
    put = LogsBackend.put_retention_policy

    def put_retention_policy(self: LogsBackend, log_group_name: str, retention_in_days: int) -> None:
        if retention_in_days not in _RETENTIONS:
            constraint = f"Member must satisfy enum value set: {list(_RETENTIONS)}"
            raise InvalidParameterException(constraint=constraint, parameter="retentionInDays", value=retention_in_days)
        put(self, log_group_name, retention_in_days)

    LogsBackend.put_retention_policy = put_retention_policy
