"""Every resource that is made of the demo's studies is right to both judges: headers of many makers, alphabets and decades."""

from typing import Any

import pytest

from tests.factories import arrivals
from tests.imaging.ehr.fhir.conftest import Program
from tests.studies_in_archive import DEMO, Archive

pytestmark = pytest.mark.django_db


def test_all_that_is_made_of_the_demo_set_is_valid(program: Program, archive: Archive) -> None:
    files = sorted(path for path in DEMO.rglob("*.dcm") if path.stat().st_size < 2_000_000)
    assert len(files) > 50
    archive.receive(*(arrivals.identified(path) for path in files))
    address = "ImagingStudy?_count=20&_include=ImagingStudy:patient&_include=ImagingStudy:endpoint"
    studies: set[str] = set()
    while address:
        bundle: Any = program.ask(address)
        for entry in bundle["entry"]:
            kind, key = entry["resource"]["resourceType"], entry["resource"]["id"]
            program.ask(f"{kind}/{key}")
            if kind == "ImagingStudy":
                studies.add(key)
        following = [one["url"] for one in bundle["link"] if one["relation"] == "next"]
        address = following[0].removeprefix("http://testserver") if following else ""
    assert len(studies) > 20
