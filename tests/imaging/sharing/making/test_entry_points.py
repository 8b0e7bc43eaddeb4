"""Where sharing begins: beside the list and in the viewer, for who may share and for nobody else."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Role
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.shared_links import Sharing, open_link

pytestmark = pytest.mark.django_db(transaction=True)

OFFER = "/shared/new?study="


def offers(client: Client, study: Study) -> list[bool]:
    """Whether the preview beside the list, the viewer and the page of the study offer it."""
    uid = study.study_instance_uid
    pages = [client.get(address) for address in (f"/studies/{uid}/preview", f"/viewer/{uid}/", f"/studies/{uid}/")]
    assert {page.status_code for page in pages} == {200}
    return [f"{OFFER}{uid}" in page.content.decode() for page in pages]


def test_who_may_share_is_offered_it_everywhere(chest: Study, alice: User, client: Client) -> None:
    client.force_login(alice)
    assert offers(client, chest) == [True, True, True]


def test_where_the_department_shares_nothing_it_is_offered_nowhere(
    chest: Study, alice: User, client: Client, share_policy: Any
) -> None:
    share_policy(is_allowed=False)
    client.force_login(alice)
    assert offers(client, chest) == [False, False, False]


def test_who_only_looks_is_not_offered_it(chest: Study, emergency: Department, client: Client) -> None:
    reader = UserFactory.create()
    MembershipFactory.create(user=reader, department=emergency, role=Role.RADIOGRAPHER)
    client.force_login(reader)
    assert offers(client, chest) == [False, False, False]


def test_a_recipient_is_not_offered_to_share_on(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    page = outside.get(f"/s/{made.share.key}/viewer/{chest.study_instance_uid}/")
    assert page.status_code == 200
    assert "shared/new" not in page.content.decode()
