"""The reading list among a million studies, of which 200,000 were asked for by requests and 12,000 still wait."""

from typing import Final

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Role
from tests import large_archive
from tests.benchmarks.large_database import HELD
from tests.benchmarks.timing import line, spent
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds, 95th percentile.
PAGE, REFRESH = 0.1, 0.05
ASKED: Final = 200_000
_ROUNDS: Final = 60

# The latest studies were asked for; of these every sixteenth waits, most of the others are signed.
_ITEMS: Final = """
    INSERT INTO imaging_readingitem
        (study_id, state, priority, is_prioritised, department_id, subspecialty, modality, asked_by_name, accession_number,
         procedure_code, procedure_name, laterality, clinical_question, ready_at, due_at, reported_at, not_read_reason)
    SELECT study.id, CASE WHEN n %% 16 = 0 THEN 'unread' ELSE 'final' END, n %% 3, false, owner.department_id, '',
           coalesce(study.modalities[1], ''), 'Caron^Inès', '', 'CODE', 'Chest X-ray', '', 'Fever and cough for a week. Pneumonia?',
           now() - (n %% 5000) * interval '1 minute', now() + (n %% 3000 - 1500) * interval '1 minute',
           CASE WHEN n %% 16 = 0 THEN NULL ELSE now() - (n %% 90000) * interval '1 minute' END, ''
    FROM (SELECT id, modalities, row_number() OVER (ORDER BY study_at DESC, id DESC) AS n FROM imaging_study) study
    JOIN LATERAL (
        SELECT department_id FROM imaging_placement WHERE study_id = study.id AND kind = 'owner' LIMIT 1
    ) owner ON true
    WHERE n <= %(asked)s
    ON CONFLICT DO NOTHING
"""


@pytest.fixture
def reader(large_archive_in_use: None, large_database: str) -> Client:
    """A radiologist of three of the forty departments, signed in, once the list is filled."""
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, {"asked": ASKED})
    with large_archive.owner_of(large_database) as owner:
        owner.execute("VACUUM ANALYZE imaging_readingitem")
    person: User = UserFactory.create()
    for department in Department.objects.filter(code__in=HELD):
        MembershipFactory.create(user=person, department=department, role=Role.RADIOLOGIST)
    client = Client()
    client.force_login(person)
    return client


def test_the_page_of_the_reading_list(reader: Client) -> None:
    print()
    slow = []
    for name, query in (
        ("to read", {}),
        ("CT only", {"modality": "CT"}),
        ("signed", {"show": "done"}),
        ("mine", {"show": "mine"}),
    ):
        first = reader.get("/reading/", query)
        assert first.status_code == 200
        times = [spent(lambda at=query: reader.get("/reading/", at)) for _ in range(_ROUNDS)]  # type: ignore[misc]
        said = line(f"reading list, {name}, page", times, PAGE)
        print(said)
        slow += [said] if said.startswith("MISSED") else []
    assert not slow


def test_the_refresh_of_the_reading_list(reader: Client) -> None:
    known = reader.get("/reading/rows")["ETag"]
    times = [spent(lambda: reader.get("/reading/rows", headers={"If-None-Match": known})) for _ in range(_ROUNDS)]
    said = line("reading list, refresh", times, REFRESH)
    print("\n" + said)
    assert said.startswith("met")
