"""Endpoint: the two ways to the images, DICOMweb and the viewer (FH-3). They are the same for every study."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from imaging.ehr.fhir.kinds import ID, Asking, Kind, Page, Wanted, titled
from imaging.ehr.fhir.parameters import Criteria, Parameter, Type
from imaging.fhir.imaging import viewer_endpoint, wado_endpoint
from imaging.fhir.values import CONNECTIONS, Resource

WADO: Final = "wado-rs"
VIEWER: Final = "viewer"
#: What an ImagingStudy refers to: images first.
ALL: Final = (WADO, VIEWER)
_TYPES: Final = {WADO: "dicom-wado-rs", VIEWER: "ihe-iid"}


class Endpoints(Kind):
    """Where images are fetched, and where a person looks at them."""

    name = "Endpoint"
    about = "DICOMweb (`wado-rs`: add `/studies/{uid}`; a token is needed) and the viewer (`viewer`: IHE Invoke Image Display)."
    parameters = (
        ID,
        Parameter("connection-type", Type.TOKEN, "Protocol by which the images are reached"),
        Parameter("status", Type.TOKEN, "Always active"),
    )

    def read(self, asking: Asking, key: str) -> Resource | None:
        """One of the two."""
        return next(iter(self.several(asking, [key])), None)

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """Those of the two that are meant."""
        keys = _meant(wanted.criteria)
        return Page(self.several(asking, keys), total=len(keys))

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        return len(_meant(criteria))

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """These, in the order of ``ALL``."""
        made = {
            WADO: wado_endpoint(f"{asking.portal}/dicom-web", name="DICOMweb", needs_same_token=True),
            VIEWER: viewer_endpoint(f"{asking.portal}/IHEInvokeImageDisplay", name="Invoke Image Display"),
        }
        return [titled(made[key], key) for key in ALL if key in keys]


def _meant(asked: Criteria) -> list[str]:
    keys = [key for key in ALL if all(key in group for group in asked.strings("_id"))]
    for group in asked.codes("connection-type", system=CONNECTIONS):
        keys = [key for key in keys if _TYPES[key] in group]
    for group in asked.codes("status", system="http://hl7.org/fhir/endpoint-status"):
        keys = keys if "active" in group else []
    return keys
