"""The search for what identifies: in which writings it finds a name, a number, a date, a UID, and what it takes for none."""

import pytest

from imaging.dicom.deidentification.identifiers import Identifiers, Kind, Place, remaining
from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.errors import Malformed
from tests.imaging.dicom.deidentification import making

KNOWN = Identifiers.named(
    names=["Saint-Éloi^Marie", "山田^太郎", "Li^Wu"],
    ids=["IPP-0081 7263", "Clinique des Tilleuls"],
    uids=["1.2.826.0.1.3680043.8.498.5"],
    dates=["19310428"],
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("scan of MARIE", {Kind.NAME}),
        ("saint eloi", {Kind.NAME}),
        ("Dr Li", {Kind.NAME}),
        ("limb", set()),
        ("山田太郎様", {Kind.NAME}),
        ("ipp00817263", {Kind.ID}),
        ("IPP 0081-7263 left", {Kind.ID}),
        ("at the CLINIQUE DES TILLEULS, room 4", {Kind.ID}),
        ("tilleuls", set()),
        ("born 28.04.1931", {Kind.DATE}),
        ("1931-04-28", {Kind.DATE}),
        ("see 1.2.826.0.1.3680043.8.498.5.", {Kind.UID}),
        ("see 1.2.826.0.1.3680043.8.498.55", set()),
        ("T2w TSE axial", set()),
    ],
)
def test_an_identifier_is_found_in_every_usual_writing_and_nothing_else_is(text, kinds):
    assert KNOWN.in_text(text) == kinds


def test_places_are_named_and_never_what_was_found():
    source = making.object_of(RequestAttributesSequence=[making.item(RequestedProcedureDescription="for Ouellet")])

    places = remaining(making.parsed(making.as_file(source)), Identifiers.named(names=["Ouellet"]))

    assert places == [Place("00100010", Kind.NAME), Place("00400275/0/00321060", Kind.NAME)]
    assert "uellet" not in str(places)


def test_what_a_profile_keeps_is_no_identifier_but_a_name_that_is_alike_stays_one():
    source = making.parsed(making.as_file(making.object_of(InstitutionName="Ouellet", StationName="SCANNER-17")))

    known = Identifiers.of(source, Profile(retain_institution_identity=True))

    assert known.ids == {"hosp 4711 22", "scanner 17"}
    assert "ouellet" in known.names


def test_particles_titles_and_short_numbers_identify_nobody():
    known = Identifiers.named(names=["de la^Dr^^Mr", "Test^Anonymous"], ids=["1", "CT1", "unknown"])

    assert (known.names, known.ids) == (frozenset(), frozenset())


def test_an_object_that_names_more_than_any_real_one_is_refused_before_it_costs_anything():
    many = [making.item(InstitutionName=f"HOSPITAL{number:06}", CodeMeaning="x") for number in range(6000)]
    source = making.parsed(making.as_file(making.object_of(ViewCodeSequence=many)))

    with pytest.raises(Malformed, match="too_many_identifiers"):
        Identifiers.of(source)
