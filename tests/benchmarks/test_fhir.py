"""ImagingStudy at a million studies: what a health record and a program of research ask for."""

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import throttling
from imaging.studies.models import Placement
from tests.benchmarks.large_database import STUDIES
from tests.benchmarks.timing import line, spent

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = 0.100


def test_imaging_studies_by_every_parameter(browser: Client, capsys: pytest.CaptureFixture[str]) -> None:
    places = Placement.objects.exclude(accession_number="").exclude(patient_id="").select_related("study__patient")
    queries = [
        "",
        "modality=CT",
        "modality=MR&started=ge2026-11-01",
        "bodysite=CHEST",
        "_sort=started",
        "started=2020-03",
    ]
    queries += ["_lastUpdated=ge2026-11-20", "status=available&modality=DX", "_include=ImagingStudy:patient"]
    for place in places.order_by("-study_at")[:4000:400]:
        study = place.study
        queries += [
            f"patient=Patient/{study.patient_id}",
            f"patient.identifier={study.patient.patient_id}",
            f"identifier=urn:dicom:uid|urn:oid:{study.study_instance_uid}",
            f"identifier={study.accession_number}",
            f"patient={study.patient_id}&modality=CT&started=ge2015",
        ]

    def ask(query: str) -> None:
        answer = browser.get(f"/fhir/ImagingStudy?_count=20&{query}")
        assert answer.status_code == 200, (query, answer.content[:300])

    times = []
    for query in (*queries, *queries):
        cache.clear()
        throttling.begin_anew()
        found = spent(lambda query=query: ask(query))
        times.append(found)
        with capsys.disabled():
            print(f"\n{query[:60]}: {found}", end="")
    said = line(f"{STUDIES} studies, {len(times)} searches for ImagingStudy, 20 each", times[len(queries) :], SEARCH)
    with capsys.disabled():
        print("\n" + said)
    assert said.startswith("met")
