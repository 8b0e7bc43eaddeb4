"""The page of a study that was granted to one person."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import User
from accounts.services import own_place_of
from imaging.studies import services as studies
from imaging.studies.models import Grant
from tests.factories import arrivals
from tests.studies_in_archive import Archive, addresses

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("basis", [Grant.Basis.REQUEST, Grant.Basis.REFERRER, Grant.Basis.ORDER])
def test_what_was_granted_to_a_person_is_told_in_words_and_to_the_minute(
    basis: Grant.Basis, archive: Archive, bob: User, client: Client
) -> None:
    dataset = arrivals.dataset()
    archive.receive(dataset)
    study = archive.study(dataset.StudyInstanceUID)
    until = timezone.localtime() + timedelta(hours=2)
    terms: dict[str, Any] = {"gives": Grant.Gives.VIEW, "basis": basis, "until": until, "actor": SYSTEM}
    studies.grant(study, holder=own_place_of(bob, site=archive.department.site), **terms)
    client.force_login(bob)
    page = client.get(addresses(dataset).study).content.decode()
    assert "Opened to you" in page
    assert "<b>You</b>, granted access" in page
    assert re.search(r"Until [^<]*, \d\d:\d\d\.", page)
    assert not re.search(r"grant \d", page)
