"""Whatever happens to rights, in whatever order: list, REST API, DICOMweb, DICOM network and direct opening agree.

They agree with each other, and with an account of the hospital that knows no SQL (`tests.scoped_world`). Everything is asked
at the addresses and the port that people and machines use.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from imaging.studies.models import Grant
from imaging.studies.reading import decisions
from tests.scoped_world import DEPARTMENTS, PATIENTS, PEOPLE, DicomDoor, World

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

_number = st.integers(0, 5)
_minutes = st.sampled_from([10, 20, 40])
_action = st.one_of(
    st.tuples(
        st.just("grant"),
        _number,
        st.sampled_from([*PEOPLE, *DEPARTMENTS]),
        st.sampled_from(list(Grant.Gives)),
        _minutes,
        st.booleans(),
    ),
    st.tuples(st.just("revoke"), _number),
    st.tuples(st.just("wait"), st.sampled_from([5, 15, 30])),
    st.tuples(st.just("move"), _number, st.sampled_from(PATIENTS)),
    st.tuples(st.just("route"), _number, st.sampled_from(DEPARTMENTS)),
    st.tuples(st.just("join"), st.sampled_from(sorted(PEOPLE)), st.sampled_from(DEPARTMENTS)),
    st.tuples(st.just("arrive"), st.sampled_from(PATIENTS), st.sampled_from(DEPARTMENTS)),
    st.tuples(st.just("label"), _number, st.booleans()),
    st.tuples(st.just("drain")),
)


@pytest.fixture
def world(data_dir: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, transactional_db: None) -> World:
    """A hospital whose clock can be put forward."""
    settings.SPOOL_RESERVE = lambda _total: 0
    made = World(data_dir / "arrived")
    made.build()
    monkeypatch.setattr(timezone, "now", made.now)
    return made


@pytest.fixture
def dicom_door(world: World) -> Iterator[DicomDoor]:
    """The listener, for as long as the test runs."""
    door = DicomDoor()
    yield door
    door.close()


def perform(world: World, action: tuple[Any, ...]) -> None:
    """Let one thing happen."""
    name, *values = action
    if name in {"grant", "label"}:
        *positional, whole = values
        getattr(world, name)(*positional, whole=whole)
    else:
        getattr(world, name)(*values)


def ways_of(client: Client, world: World, **headers: Any) -> dict[str, set[str]]:
    """What somebody sees, by the way of asking; at every address by which a study can be opened."""
    api = client.get("/api/v1/studies?limit=100", **headers)
    qido = client.get("/dicom-web/studies?limit=100", **headers)
    assert (api.status_code, qido.status_code) == (200, 200), (api.content, qido.content)
    seen = {
        "api": {row["study_instance_uid"] for row in orjson.loads(api.content)["results"]},
        "qido": {row["0020000D"]["Value"][0] for row in orjson.loads(qido.content)},
    }
    addresses = {"opened by the api": "/api/v1/studies/{}", "opened by dicomweb": "/dicom-web/studies/{}/metadata"}
    if not headers:
        page = client.get("/")
        assert page.status_code == 200
        seen["page"] = set(re.findall(r'href="/studies/([0-9.]+)/', page.content.decode()))
        addresses["opened in the viewer"] = "/viewer/{}/manifest.json"
    for way, address in addresses.items():
        answers = {uid: client.get(address.format(uid), **headers).status_code for uid in world.patient_of}
        assert set(answers.values()) <= {200, 404}, (way, answers)
        seen[way] = {uid for uid, status in answers.items() if status == 200}
    return seen


def opened_at(client: Client, address: str, keys: Iterable[str], *, withheld: int = 200) -> set[str]:
    """Which of these a person knows of: what may not be opened is as absent, and names nobody.

    ``withheld`` is the answer where something is seen and must not be taken away.
    """
    found = set()
    for key in keys:
        answer: Any = client.get(address.format(key))
        assert answer.status_code in {200, 404, withheld}, (address, answer.status_code)
        if answer.status_code != 200:
            assert not re.search(rb"P[123]-\d", answer.content), address
        if answer.status_code != 404:
            found.add(key)
    return found


def compare_requests_and_reports(world: World, client: Client, name: str) -> None:
    """Pages of requests and reports, and the list of requests, as one person asks for them."""
    expected = world.reports_seen_by(name)
    for address in ("/reports/{}/", "/reports/{}/beside"):
        assert agree(world, opened_at(client, address, world.reports), expected), (name, address)
    # A paper is typeset for who may have it, which takes its time: only the others ask for it here.
    assert not opened_at(client, "/reports/{}/report.pdf", world.reports.keys() - expected, withheld=403), name
    works_in = {code for person, code in world.members if person == name}
    if not works_in:
        assert client.get("/requests/").status_code == 403
        return
    expected = world.requests_seen_by(name)
    assert opened_at(client, "/requests/{}/", world.asked) == expected, name
    assert opened_at(client, "/requests/{}/slip", world.asked) == expected, name
    page = client.get("/requests/?of=department&show=all").content.decode()
    listed = {key for key in world.asked if f"/requests/{key}/" in page}
    assert listed == {key for key in expected if world.asked[key].by in works_in}, name


def question() -> Dataset:
    """All studies."""
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", ""
    return asked


def agree(world: World, seen: set[str], expected: set[str]) -> bool:
    """Whether somebody sees what the account says; until the background has drained, what has ended may hide a bit more.

    (Of two grants the weaker one lasts longer: for a second or two after the stronger one's end nothing shows.)
    """
    return seen == expected if world.is_drained else seen <= expected


def compare(world: World, dicom_door: DicomDoor, client: Client) -> None:
    """Everybody asks at every door."""
    decisions.remembered.clear()
    for name, user in world.people.items():
        user.refresh_from_db()
        client.force_login(user)
        expected = world.seen_by(name)
        for way, seen in ways_of(client, world).items():
            assert agree(world, seen, expected), (name, way, seen ^ expected)
        compare_requests_and_reports(world, client, name)
    expected = world.seen_by_orthopaedics()
    machine = ways_of(Client(), world, HTTP_AUTHORIZATION=f"Bearer {world.key}")
    for way, seen in {**machine, "c-find": dicom_door.found(question)}.items():
        assert agree(world, seen, expected), (way, seen ^ expected)


def test_every_door_agrees_after_any_sequence_of_changes(world: World, dicom_door: DicomDoor, client: Client) -> None:
    view, download, emergency = Grant.Gives.VIEW, Grant.Gives.DOWNLOAD, Grant.Gives.EMERGENCY

    @settings(
        max_examples=3,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(_action, min_size=6, max_size=12))
    @example([("grant", 0, "bob", view, 40, True), ("move", 1, "P1"), ("arrive", "P1", "emergency")])
    @example([("grant", 0, "bob", view, 40, True), ("move", 0, "P2"), ("route", 3, "emergency")])
    @example(
        [("route", 0, "orthopaedics"), ("grant", 0, "orthopaedics", view, 40, False), ("route", 0, "orthopaedics")]
    )
    @example(
        [("grant", 0, "dora", view, 40, False), ("grant", 0, "dora", download, 10, False), ("wait", 15), ("drain",)]
    )
    @example([("grant", 0, "bob", emergency, 20, True), ("grant", 3, "bob", view, 10, False), ("wait", 15)])
    @example([("grant", 4, "alice", emergency, 20, True), ("revoke", 0), ("join", "dora", "cardiology")])
    @example([("label", 0, True), ("arrive", "P1", "emergency"), ("move", 1, "P1"), ("move", 3, "P2")])
    @example([("label", 0, True), ("grant", 0, "bob", emergency, 20, True), ("grant", 0, "dora", view, 20, True)])
    @example([("label", 0, False), ("route", 0, "orthopaedics"), ("label", 3, True), ("label", 0, False)])
    def lived_through(actions: list[tuple[Any, ...]]) -> None:
        world.begin()
        for count, action in enumerate(actions, start=1):
            perform(world, action)
            if count % 5 == 0:
                compare(world, dicom_door, client)
        compare(world, dicom_door, client)

    lived_through()
