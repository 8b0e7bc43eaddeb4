"""A database of 200,000 exam requests of a year beside the tests' own, for the measurements of what asks of all of them.

`EXAM_REQUESTS` names another size. It is dropped when the run ends.
"""

import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.db import connection

from imaging.orders.models import ExamRequest, Procedure, Region
from tests import large_archive
from tests.benchmarks.large_database import copied, using
from tests.factories.accounts import DepartmentFactory

REQUESTS: Final = int(os.environ.get("EXAM_REQUESTS", "200000"))
PERFORMING: Final = ("requests-radiology", "requests-ultrasound", "requests-mammography")
ASKING: Final = 12
_MODALITIES: Final = ("CT", "MR", "DX", "US", "MG", "XA")

# Every request is a copy of one, with a way of its own: nine of ten are reported, some wait, some did not come.
_MANY: Final = """
    INSERT INTO imaging_examrequest
    SELECT (jsonb_populate_record(pattern, told)).*
    FROM imaging_examrequest pattern, LATERAL (
        SELECT jsonb_build_object(
            'id', pattern.id + n, 'key', gen_random_uuid(), 'state', state, 'priority', n %% 3,
            'procedure_id', (%(procedures)s::bigint[])[1 + n %% 6],
            'performing_department_id', (%(performing)s::bigint[])[1 + (n / 7) %% 3],
            'requesting_department_id', (%(asking)s::bigint[])[1 + (n / 11) %% 12],
            'requested_at', asked, 'created_at', asked, 'changed_at', asked,
            'vetted_at', asked + way * 0.05, 'scheduled_at', asked + way * 0.1,
            'arrived_at', CASE WHEN state IN ('arrived', 'completed', 'reported') THEN asked + way * 0.6 END,
            'started_at', CASE WHEN state IN ('completed', 'reported') THEN asked + way * 0.65 END,
            'completed_at', CASE WHEN state IN ('completed', 'reported') THEN asked + way * 0.7 END,
            'reported_at', CASE WHEN state = 'reported' THEN asked + way END
        ) AS told
        FROM (
            SELECT n, CASE WHEN n %% 40 = 0 THEN 'no_show' WHEN n %% 41 = 0 THEN 'cancelled'
                           WHEN age < 3 AND n %% 2 = 0 THEN (ARRAY['vetted','scheduled','arrived','completed'])[1 + (n / 2) %% 4]
                           ELSE 'reported' END AS state,
                   now() - age * interval '1 day' AS asked, (0.05 + random() * random() * 6) * interval '1 day' AS way
            FROM (SELECT n, 365 * random() AS age FROM generate_series(1, %(requests)s) AS n) spread
        ) lives
    ) made
    WHERE pattern.id = %(pattern)s
"""


@pytest.fixture(scope="session")
def many_requests(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of the database."""
    with django_db_blocker.unblock(), copied("requests") as name:
        with using(name):
            _fill(name)
        yield name


def _fill(name: str) -> None:
    performing = [DepartmentFactory.create(code=code).pk for code in PERFORMING]
    asking = [DepartmentFactory.create(code=f"requests-ward-{number}").pk for number in range(ASKING)]
    procedures = [
        Procedure.objects.create(code=f"many-{modality.lower()}", name=modality, modality=modality, region=Region.OTHER)
        for modality in _MODALITIES
    ]
    pattern = ExamRequest.objects.create(clinical_question="Fracture after a fall?", safety={"pregnant": "no"})
    values = {
        "procedures": [row.pk for row in procedures],
        "performing": performing,
        "asking": asking,
        "requests": REQUESTS,
        "pattern": pattern.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MANY, values)
    with large_archive.owner_of(name) as owner:
        owner.execute("VACUUM ANALYZE imaging_examrequest")


@pytest.fixture
def many_requests_in_use(many_requests: str) -> Iterator[None]:
    """All that follows in this test happens among the many requests."""
    with using(many_requests):
        yield
