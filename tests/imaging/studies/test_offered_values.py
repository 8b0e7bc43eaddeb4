"""Values that a filter offers while somebody types."""

import pytest

from accounts.models import User
from accounts.scope import scope_of_user
from imaging.studies.finding.offered_values import Offered, offered_values
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("typed", ["sto", "STO", "Sto", " sto "])
def test_a_source_is_found_however_it_is_typed_and_however_the_device_writes_itself(
    typed: str, archive: Archive, alice: User
) -> None:
    for sender in ("storescu", "STORE_1", "Store 2", "ROOM"):
        archive.receive(arrivals.dataset(), sender=sender)
    found = offered_values(scope_of_user(alice), Offered.SOURCE, beginning=typed)
    assert found == ["STORE_1", "Store 2", "storescu"]
    assert offered_values(scope_of_user(alice), Offered.SOURCE, beginning=typed, limit=2) == found[:2]
