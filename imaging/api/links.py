"""Which answer holds what which other operation asks for: links of OpenAPI 3.1, for programs that make clients and for tests."""

from collections.abc import Mapping
from typing import Any, Final

_STUDY: Final = {"study_instance_uid": "$response.body#/results/0/study_instance_uid"}
_OF_STUDY: Final = {"study_instance_uid": "$request.path.study_instance_uid"}
_SERIES: Final = {**_STUDY, "series_instance_uid": "$response.body#/results/0/series_instance_uid"}
_INSTANCE: Final = {**_SERIES, "sop_instance_uid": "$response.body#/results/0/sop_instance_uid"}
_FIRST: Final = {"id": "$response.body#/results/0/id"}

#: Operation and status of the answer; then each operation that it leads to, with the parameters that the answer gives it.
LINKS: Final[Mapping[tuple[str, str], Mapping[str, Mapping[str, str]]]] = {
    ("patients_list", "200"): {"patients_retrieve": _FIRST, "patient_studies_list": _FIRST},
    ("patient_studies_list", "200"): {"studies_retrieve": _STUDY},
    ("studies_list", "200"): {"studies_retrieve": _STUDY, "series_list": _STUDY, "placements_list": _STUDY},
    ("studies_retrieve", "200"): {"series_list": _OF_STUDY, "placements_list": _OF_STUDY},
    ("series_list", "200"): {"series_retrieve": _SERIES, "instances_list": _SERIES},
    ("instances_list", "200"): {"instances_retrieve": _INSTANCE},
    ("jobs_list", "200"): {"jobs_retrieve": _FIRST},
    ("problems_list", "200"): {"studies_retrieve": _STUDY},
    ("uploads_create", "200"): {
        "studies_retrieve": {"study_instance_uid": "$response.body#/objects/0/study_instance_uid"}
    },
    ("webhooks_create", "201"): {
        name: {"key": "$response.body#/id"} for name in ("webhooks_retrieve", "webhooks_secret", "webhooks_attempts")
    },
}


def add(description: dict[str, Any]) -> None:
    """Write the links into the description of the operations that they begin at."""
    for operations in description["paths"].values():
        for operation in operations.values():
            for (name, status), targets in LINKS.items():
                if operation["operationId"] == name:
                    operation["responses"][status]["links"] = {
                        target: {"operationId": target, "parameters": dict(parameters)}
                        for target, parameters in targets.items()
                    }
