"""Patients: people whose studies the client may list."""

import datetime as dt
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from imaging.api import paging, querying
from imaging.api.fields import PersonNameField
from imaging.api.resource import Resource
from imaging.studies.finding import patient_list
from imaging.studies.models import Patient


class PatientFields(serializers.Serializer[Any]):
    """A patient as one issuer knows them."""

    id = serializers.IntegerField(source="pk", help_text="The portal's own number; lasting.")
    patient_id = serializers.CharField()
    issuer_of_patient_id = serializers.CharField()
    patient_name = PersonNameField()
    patient_birth_date = serializers.DateField(source="birth_date", allow_null=True)
    patient_sex = serializers.CharField(source="sex")


class PatientQuery(paging.PageQuery):
    """Which patients."""

    search = serializers.CharField(
        required=False,
        max_length=128,
        allow_blank=True,
        help_text="Parts of the name, or the beginning of a patient ID.",
    )
    patient_id = serializers.CharField(required=False, max_length=64, help_text="The whole patient ID.")
    issuer_of_patient_id = serializers.CharField(required=False, max_length=64, help_text="Its issuer.")
    birth_date = serializers.DateField(required=False)


PatientPage = paging.envelope(PatientFields, "patients")


class Patients(Resource):
    """Patients with a study that the client may list."""

    query = PatientQuery

    @extend_schema(
        operation_id="patients_list",
        summary="Search patients",
        description="Latest known first. A person whom two issuers number is two patients.",
        responses=PatientPage,
    )
    def get(self, request: Request) -> Response:
        """Search."""
        asked = self.asked()
        born: dt.date | None = asked.get("birth_date")
        wanted = patient_list.PatientFilters(
            search=asked.get("search", ""),
            patient_id=asked.get("patient_id", ""),
            issuer_of_patient_id=asked.get("issuer_of_patient_id", ""),
            birth_date=born,
        )
        querying.on_record(self, "patient")
        with querying.bounded(), timezone.override(selectors.zone_of_reader(request.user, self.scope)):
            rows = patient_list.patients(self.scope, wanted)
            return paging.latest_first(
                request,
                rows,
                cursor=asked.get("cursor", ""),
                limit=asked["limit"],
                show=lambda row: PatientFields(row).data,
            )


class OnePatient(Resource):
    """One patient."""

    @extend_schema(operation_id="patients_retrieve", summary="One patient", responses=PatientFields)
    def get(self, request: Request, pk: int) -> Response:
        """Tell who it is."""
        return Response(PatientFields(self.patient(pk)).data)

    def patient(self, pk: int) -> Patient:
        """The patient, for a client that may list a study of theirs; the reading is on record. Raises ``StudyNotVisible``."""
        return patient_list.open_patient(self.scope, pk, actor=self.actor)
