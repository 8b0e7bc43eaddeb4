import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from imaging.integrity import services as integrity
from imaging.integrity.models import LedgerLeaf

pytestmark = pytest.mark.django_db


@pytest.fixture
def leaves():
    integrity.append_leaves(
        integrity.Leaf(LedgerLeaf.Kind.KEPT, f"{number:064x}", f"{number + 100:064x}", timezone.now())
        for number in range(3)
    )


def test_leaves_are_numbered_in_the_order_given(leaves):
    rows = list(LedgerLeaf.objects.order_by("sequence").values_list("file_sha256", flat=True))
    assert rows == [f"{number:064x}" for number in range(3)]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="lost"):
        integrity.append_leaves([integrity.Leaf("lost", "0" * 64, "", timezone.now())])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE imaging_ledgerleaf SET kind = 'rejected'",
        "DELETE FROM imaging_ledgerleaf",
        "TRUNCATE imaging_ledgerleaf",
        "ALTER TABLE imaging_ledgerleaf DISABLE TRIGGER ALL",
        "ALTER TABLE imaging_ledgerleaf DISABLE TRIGGER ledgerleaf_append_only",
        "DROP TRIGGER ledgerleaf_append_only ON imaging_ledgerleaf",
        "DROP TABLE imaging_ledgerleaf",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_cannot_change_the_ledger(leaves, statement):
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert LedgerLeaf.objects.count() == 3
