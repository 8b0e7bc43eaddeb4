"""Nothing can be written that nobody thought of (ASVS 5.0 15.3.3): a new field of a form or a body is listed here first.

The list is `written_fields.toml`. Before you add a line, ask who may fill the field, and what somebody else could gain by it.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.forms.models import ModelForm
from django.test import Client

from tests.architecture import written_fields
from tests.factories.accounts import UserFactory

LISTED = tomllib.loads((Path(__file__).parent / "written_fields.toml").read_text())


def test_every_field_of_a_form_is_listed() -> None:
    assert written_fields.of_forms() == LISTED["forms"]


@pytest.mark.django_db
def test_every_field_of_the_administration_is_listed() -> None:
    client = Client()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    request: Any = client.get("/admin/").wsgi_request
    assert written_fields.of_administration(request) == LISTED["administration"]


@pytest.mark.django_db
def test_every_member_of_a_body_of_the_interface_is_listed() -> None:
    assert written_fields.of_interface() == LISTED["interface"]


def test_every_name_that_a_view_takes_by_hand_is_listed() -> None:
    assert written_fields.of_views() == LISTED["views"]


def test_no_form_takes_whatever_its_table_has() -> None:
    written_fields.of_forms()
    for form in written_fields._below(ModelForm):
        if form.__module__.partition(".")[0] in {"accounts", "imaging"} and "<locals>" not in form.__qualname__:
            assert getattr(form._meta, "fields", ()) != "__all__", form
