"""The capability statement (R4 section 2.2): made of the registry, so that it says what there is, and nothing else (FH-1)."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from imaging.ehr.fhir.kinds import Kind
from imaging.ehr.fhir.registry import KINDS
from imaging.fhir.values import Resource, filled

#: When what the facade offers last changed.
_CHANGED: Final = "2026-11-23"
_DEFINITIONS: Final = "http://hl7.org/fhir/SearchParameter"
#: Parameters of all resources stand under a name of their own.
_SHARED: Final = {"_id": "Resource-id", "_lastUpdated": "Resource-lastUpdated"}


def statement(base: str) -> Resource:
    """The CapabilityStatement of the server at this address."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _CHANGED,
        "publisher": settings.PRODUCT_NAME,
        "kind": "instance",
        "software": {"name": settings.PRODUCT_NAME},
        "implementation": {"description": f"{settings.PRODUCT_NAME}: images and reports", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": (
                    "Read by machines with a key (Authorization: Bearer) and by people who have signed in. What is not "
                    "there and what may not be seen are the same answer. Unknown parameters are refused, unless the "
                    "client sends Prefer: handling=lenient."
                ),
                "security": {"cors": False, "description": "A machine key of the portal, limited to departments."},
                "resource": [_resource(kind) for kind in KINDS.values()],
            }
        ],
    }


def _resource(kind: Kind) -> Resource:
    interactions = ["read"]
    interactions += ["create", "update"] if kind.is_written else []
    interactions += ["search-type"] if kind.is_searched else []
    return filled(
        {
            "type": kind.name,
            "documentation": kind.about,
            "interaction": [{"code": code} for code in interactions],
            "versioning": "versioned-update" if kind.is_written else "versioned",
            "updateCreate": False if kind.is_written else None,
            "conditionalCreate": True if kind.is_written else None,
            "conditionalRead": "not-match",
            "searchInclude": list(kind.includes),
            "searchRevInclude": list(kind.reverse_includes),
            "searchParam": [
                filled(
                    {
                        "name": parameter.name,
                        "definition": _definition(kind, parameter.name),
                        "type": parameter.type.value,
                        "documentation": parameter.about,
                    }
                )
                for parameter in kind.parameters
                if "." not in parameter.name
            ],
        }
    )


def _definition(kind: Kind, name: str) -> str:
    return f"{_DEFINITIONS}/{_SHARED.get(name, f'{kind.name}-{name}')}"
