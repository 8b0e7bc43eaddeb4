"""What matters of a patient, out of the resources of a record: nothing that is over, refuted or of nobody's business here."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.fhir.summaries import LabTest, Matter, Summary, summary

Resource = dict[str, Any]


def code(system: str, value: str, display: str = "") -> Resource:
    return {"coding": [{"system": system, "code": value, **({"display": display} if display else {})}]}


def result(loinc: str, at: str, **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code("http://loinc.org", loinc),
        "effectiveDateTime": at,
        **more,
    }


def medication(**more: Any) -> Resource:
    return {"resourceType": "MedicationRequest", "status": "active", "intent": "order", **more}


class TestLaboratory:
    def test_results_are_told_by_test_the_newest_first(self) -> None:
        found = summary(
            [
                result("2160-0", "2026-01-02", valueQuantity={"value": 1.1, "unit": "mg/dL"}),
                result("14682-9", "2026-03-04T08:00:00+01:00", valueQuantity={"value": 140, "unit": "µmol/L"}),
                result("6301-6", "2026-03-04", valueQuantity={"value": 2.4}),
                result("9999-9", "2026-03-04", valueQuantity={"value": 1}),
            ]
        )
        assert [one.words for one in found.of(LabTest.CREATININE)] == ["140 µmol/L", "1.1 mg/dL"]
        assert found.of(LabTest.CREATININE)[0].at == dt.datetime(2026, 3, 4, 7, tzinfo=dt.UTC)
        assert [one.words for one in found.of(LabTest.INR)] == ["2.4"]

    @pytest.mark.parametrize(("value", "is_marked"), [(29.9, True), (30, False)])
    def test_a_low_filtration_rate_is_marked_even_where_the_laboratory_did_not(
        self, value: float, is_marked: bool
    ) -> None:
        (one,) = summary([result("98979-8", "2026-01-01", valueQuantity={"value": value})]).results
        assert one.is_marked is is_marked

    def test_what_the_laboratory_marked_is_marked(self) -> None:
        high = {"interpretation": [code("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "H")]}
        (one,) = summary([result("6301-6", "2026-01-01", valueQuantity={"value": 4}, **high)]).results
        assert one.is_marked

    def test_a_limit_of_detection_keeps_its_sign(self) -> None:
        (one,) = summary([result("19080-1", "2026-01-01", valueQuantity={"value": 5, "comparator": "<"})]).results
        assert one.words == "< 5"

    def test_a_test_may_answer_in_words(self) -> None:
        (one,) = summary([result("2106-3", "2026-01-01", valueCodeableConcept={"text": "Negative"})]).results
        assert (one.test, one.words, one.value) == (LabTest.PREGNANCY, "Negative", None)

    @pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
    def test_what_was_wrong_is_left_out(self, status: str) -> None:
        assert summary([{**result("6301-6", "2026-01-01", valueQuantity={"value": 1}), "status": status}]) == Summary()


class TestMedication:
    @pytest.mark.parametrize(
        ("concept", "matter"),
        [
            (code("http://www.whocc.no/atc", "A10BA02", "Metformin"), Matter.METFORMIN),
            (code("http://www.whocc.no/atc", "A10BD08", "Eucreas"), Matter.METFORMIN),
            (code("http://www.whocc.no/atc", "B01AF02", "Apixaban"), Matter.ANTICOAGULANT),
            ({"text": "METFORMINE 850 mg"}, Matter.METFORMIN),
            ({"text": "sitagliptine/metformine"}, Matter.METFORMIN),
            ({"text": "Énoxaparine 4000 UI"}, Matter.ANTICOAGULANT),
            ({"text": "heparin sodium"}, Matter.ANTICOAGULANT),
            (code("http://www.whocc.no/atc", "B01AC06", "Aspirin"), None),
            ({"text": "Paracetamol"}, None),
            (code("urn:other", "B01AF02", "Something"), None),
        ],
    )
    def test_what_bears_on_an_exam_is_known_by_code_or_name(self, concept: Resource, matter: Matter | None) -> None:
        (one,) = summary([medication(medicationCodeableConcept=concept)]).medications
        assert one.matter is matter

    def test_a_medication_may_be_contained_or_only_referred_to(self) -> None:
        contained = medication(
            contained=[{"resourceType": "Medication", "id": "m", "code": {"text": "Warfarin"}}],
            medicationReference={"reference": "#m"},
        )
        named = medication(medicationReference={"reference": "Medication/7", "display": "Rivaroxaban 20 mg"})
        assert {one.words for one in summary([contained, named]).that_matter} == {"Warfarin", "Rivaroxaban 20 mg"}

    @pytest.mark.parametrize("more", [{"status": "stopped"}, {"status": "completed"}, {"doNotPerform": True}])
    def test_what_is_not_taken_is_left_out(self, more: Resource) -> None:
        assert not summary([medication(medicationCodeableConcept={"text": "Warfarin"}, **more)]).medications


def test_allergies_and_problems_that_were_refuted_or_are_over_are_left_out() -> None:
    def allergy(words: str, **more: Any) -> Resource:
        return {"resourceType": "AllergyIntolerance", "code": {"text": words}, **more}

    found = summary(
        [
            allergy("Iodinated contrast", criticality="high"),
            allergy("Latex", clinicalStatus=code("x", "resolved")),
            allergy("Penicillin", verificationStatus=code("x", "refuted")),
            {"resourceType": "AllergyIntolerance", "reaction": [{"substance": {"text": "Gadobutrol"}}]},
            {"resourceType": "Condition", "code": {"text": "Asthma"}, "onsetDateTime": "2011"},
            {"resourceType": "Condition", "code": {"text": "Cold"}, "clinicalStatus": code("x", "inactive")},
        ]
    )
    assert [(one.words, one.is_high) for one in found.allergies] == [
        ("Gadobutrol", False),
        ("Iodinated contrast", True),
    ]
    assert [(one.words, one.since, one.precision) for one in found.problems] == [
        ("Asthma", dt.date(2011, 1, 1), "year")
    ]


def test_stays_are_told_the_latest_first_and_not_those_that_were_cancelled() -> None:
    def stay(began: str, status: str = "finished") -> Resource:
        return {
            "resourceType": "Encounter",
            "status": status,
            "class": {"code": "IMP", "display": "inpatient"},
            "period": {"start": began},
            "location": [{"location": {"display": "Ward 4"}}],
        }

    found = summary([stay("2025-01-01"), stay("2026-01-01"), stay("2026-02-02", "cancelled")])
    assert [(one.words, one.began and one.began.year) for one in found.encounters] == [
        ("inpatient, Ward 4", 2026),
        ("inpatient, Ward 4", 2025),
    ]


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "code",
                    "coding",
                    "system",
                    "value",
                    "valueQuantity",
                    "status",
                    "text",
                    "period",
                    "start",
                    "contained",
                    "id",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(["AllergyIntolerance", "Condition", "MedicationRequest", "Observation", "Encounter"]),
    st.dictionaries(
        st.sampled_from(
            [
                *("code", "status", "clinicalStatus", "reaction", "effectiveDateTime", "effectivePeriod", "period"),
                *("valueQuantity", "valueString", "medicationCodeableConcept", "medicationReference", "contained"),
                *("interpretation", "class", "type", "location", "criticality", "onsetDateTime"),
            ]
        ),
        _ANY,
    ),
)
def test_whatever_a_record_sends_is_read_or_passed_over(kind: str, fields: Resource) -> None:
    summary([{"resourceType": kind, **fields}])
