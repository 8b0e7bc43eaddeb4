"""The admin is no way round the scope."""

import pytest
from django.contrib import admin
from django.test import RequestFactory

from accounts.models import User
from accounts.scope import scope_of_user, system_scope
from imaging.studies.models import Instance, Patient, Series, Study


@pytest.mark.parametrize("model", [Patient, Study, Series, Instance])
def test_an_administrator_without_a_department_finds_no_patient_in_the_admin(
    model: type, charlie: User, rf: RequestFactory
) -> None:
    charlie.is_staff = charlie.is_superuser = True
    request = rf.get("/admin/")
    request.user = charlie
    request.scope = scope_of_user(charlie)  # type: ignore[attr-defined]
    page = admin.site.get_model_admin(model)
    assert page.get_queryset(request).query.is_empty()
    request.scope = system_scope("test")  # type: ignore[attr-defined]
    assert not page.get_queryset(request).query.is_empty()
