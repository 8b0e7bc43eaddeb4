"""The same sixty questions find the same studies in the page's list, at the REST API, by QIDO-RS and by C-FIND.

Asked of an archive of hostile names, for a reader who may see some of it: one selector serves all, and this is how we know.
"""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from django.test import Client
from django.utils import timezone
from pydicom import config, datadict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from accounts.actor import SYSTEM
from accounts.models import Department
from accounts.roles import Right
from accounts.scope import Scope, scope_of_departments
from imaging.dicom import matching
from imaging.dimse import listener
from imaging.dimse.admission import Admission
from imaging.dimse.finding import STUDY_ROOT_FIND
from imaging.dimse.server import Server
from imaging.ingest.models import ApplicationEntity
from imaging.studies import selectors as studies
from tests import searched_archive
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory, issue_machine_key

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

_UIDS = ",".join(searched_archive.uid(number) for number in (1, 5, 9, 27, 99))

#: What is asked in DICOM's keys, and how many there are; None where the number is not worth a word.
QUESTIONS: list[tuple[dict[str, str], int | None]] = [
    ({}, 25),
    ({"PatientName": "Dupont*"}, 2),
    ({"PatientName": "dupont^marie"}, 1),
    ({"PatientName": "DUPONT^MARIE*"}, 2),
    ({"PatientName": "*marie*"}, 2),
    ({"PatientName": "durand^helene"}, 1),
    ({"PatientName": "Durand^Hélène*"}, 2),
    ({"PatientName": "Durand^Hélène^Anne^Dr^PhD"}, 1),
    ({"PatientName": "Garcia^*"}, 1),
    ({"PatientName": "Garcia Lopez^*"}, 1),
    ({"PatientName": "garcia*"}, 2),
    ({"PatientName": "O'Brien*"}, 1),
    ({"PatientName": "O?Brien*"}, 1),
    ({"PatientName": "*brien*"}, 2),
    ({"PatientName": "Yamada*"}, 1),
    ({"PatientName": "山田*"}, 1),
    ({"PatientName": "Yamada*=山田*"}, 1),
    ({"PatientName": "Yamada*=鈴木*"}, 0),
    ({"PatientName": "鈴木^花子"}, 1),
    ({"PatientName": "*はな*"}, 1),
    ({"PatientName": "Müller*"}, 1),
    ({"PatientName": "Mueller*"}, 1),
    ({"PatientName": "M*ller*"}, 2),
    ({"PatientName": "STRASSE*"}, 1),
    ({"PatientName": "σίσυφοσ*"}, 1),
    ({"PatientName": "Cher"}, 1),
    ({"PatientName": "Cher*"}, 1),
    ({"PatientName": "^Anonymous"}, 1),
    ({"PatientName": "*100%*"}, 1),
    ({"PatientName": "*_sure"}, 1),
    ({"PatientName": "Smith^1"}, 0),
    ({"PatientName": "Star*"}, 1),
    ({"PatientName": "żółć"}, 0),
    ({"PatientName": "*żołc*"}, 1),
    ({"PatientName": "istanbul*"}, 1),
    ({"PatientName": "كريم*"}, 1),
    ({"PatientName": "*חנה*"}, 1),
    ({"PatientName": "nguyen^*"}, 1),
    ({"PatientName": "*thi minh*"}, 1),
    ({"PatientName": "elan*"}, 1),
    ({"PatientName": "*berg*"}, 0),
    ({"PatientName": "Robert'*"}, 0),
    ({"PatientName": "?e*"}, None),
    ({"PatientID": "MRN003"}, 1),
    ({"PatientID": "MRN00*"}, 10),
    ({"PatientID": "*3"}, None),
    ({"PatientID": "mrn003"}, 0),
    ({"AccessionNumber": "ACC-004"}, 2),
    ({"AccessionNumber": "ACC-00?"}, 20),
    ({"StudyInstanceUID": _UIDS}, 3),
    ({"StudyDate": "20260105"}, 1),
    ({"StudyDate": "20260105-20260110"}, 6),
    ({"StudyDate": "-20260103"}, 3),
    ({"StudyDate": "20260120-"}, None),
    ({"StudyDate": "20260101-20260131", "ModalitiesInStudy": "MR"}, None),
    ({"ModalitiesInStudy": "US"}, None),
    ({"ModalitiesInStudy": "U?"}, None),
    ({"PatientSex": "F", "PatientBirthDate": "19500101-19591231"}, None),
    ({"StudyDescription": "100% contrast_agent"}, 8),
    ({"StudyDescription": "*thorax"}, None),
    ({"ReferringPhysicianName": "referent^z*"}, None),
    ({"StudyID": "S1*", "PatientName": "*e*"}, None),
]


class Archive:
    """One reader's four ways to ask."""

    def __init__(self, *, scope: Scope, client: Client, key: str, port: int) -> None:
        self.scope, self.client, self.port = scope, client, port
        self.headers = {"Authorization": f"Bearer {key}"}

    def by_list(self, keys: dict[str, str]) -> list[str]:
        """As the page's list is read."""
        asked = tuple(matching.parse(name, text) for name, text in keys.items())
        with timezone.override("Europe/Paris"):
            page = studies.study_list(self.scope, studies.StudyFilters(attributes=asked), limit=100)
        assert page.total == len(page.rows)
        return sorted(row.study.study_instance_uid for row in page.rows)

    def by_page(self, browser: Client, filters: dict[str, str]) -> list[str]:
        """As the page shows it."""
        answer = browser.get(f"/?{urlencode(filters)}")
        assert answer.status_code == 200
        return sorted(set(re.findall(r'href="/studies/([0-9.]+)/', answer.content.decode())))

    def by_api(self, keys: dict[str, str]) -> list[str]:
        answer = self.client.get(f"/api/v1/studies?{urlencode({**keys, 'limit': 100})}", headers=self.headers)
        assert answer.status_code == 200, answer.content
        return sorted(row["study_instance_uid"] for row in orjson.loads(answer.content)["results"])

    def by_qido(self, keys: dict[str, str]) -> list[str]:
        answer = self.client.get(f"/dicom-web/studies?{urlencode(keys)}", headers=self.headers)
        assert answer.status_code == 200, answer.content
        return sorted(row["0020000D"]["Value"][0] for row in orjson.loads(answer.content))

    def by_c_find(self, keys: dict[str, str]) -> list[str]:
        question = Dataset()
        question.SpecificCharacterSet, question.QueryRetrieveLevel = "ISO_IR 192", "STUDY"
        for name, text in {"StudyInstanceUID": "", **keys}.items():
            tag = datadict.tag_for_keyword(name)
            assert tag is not None
            text = text.replace(",", "\\") if name == "StudyInstanceUID" else text
            question.add(DataElement(tag, datadict.dictionary_VR(tag), text, validation_mode=config.IGNORE))
        ae = AE("WS1")
        agreed = SOPClassExtendedNegotiation()
        agreed.sop_class_uid, agreed.service_class_application_information = STUDY_ROOT_FIND, b"\x01\x01\x00"
        association = ae.associate(
            "127.0.0.1", self.port, contexts=[build_context(STUDY_ROOT_FIND)], ae_title="NEGATOSCOPE", ext_neg=[agreed]
        )
        answers = list(association.send_c_find(question, STUDY_ROOT_FIND))
        association.release()
        assert answers[-1][0].Status == 0, answers[-1][0]
        return sorted(str(match.StudyInstanceUID) for _status, match in answers if match is not None)


@pytest.fixture
def archive(data_dir: Path, settings: Any, transactional_db: None) -> Iterator[Archive]:
    """A department's studies, asked for by a person, a machine and a workstation of that department."""
    settings.SPOOL_RESERVE = lambda _total: 0
    here, elsewhere = DepartmentFactory.create(code="here"), DepartmentFactory.create(code="elsewhere")
    searched_archive.fill(data_dir, here, elsewhere)
    ApplicationEntity.objects.create(ae_title="WS1", may_query=True).departments.set([here])
    key = issue_machine_key(here, name="everywhere").plaintext
    admission = Admission(ae_title="NEGATOSCOPE", is_demo=False)
    admission.start()
    server = Server(listener.bind("127.0.0.1", 0), ae_title="NEGATOSCOPE", admission=admission)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    scope = scope_of_departments(principal=SYSTEM, departments=[here], rights=set(Right), reason="test")
    yield Archive(scope=scope, client=Client(), key=key, port=server.server_address[1])
    server.stop(timedelta(seconds=5))
    admission.stop()


@pytest.fixture
def reader(archive: Archive, client: Client) -> Client:
    """A person of the same department, in a browser."""
    user = UserFactory.create(username="reader")
    MembershipFactory.create(user=user, department=Department.objects.get(code="here"))
    client.force_login(user)
    return client


def test_sixty_questions_have_the_same_answer_at_every_door(archive: Archive) -> None:
    assert len(QUESTIONS) >= 60
    for keys, expected in QUESTIONS:
        listed = archive.by_list(keys)
        if expected is not None:
            assert len(listed) == expected, keys
        assert archive.by_qido(keys) == listed, keys
        assert archive.by_api(keys) == listed, keys
        assert archive.by_c_find(keys) == listed, keys


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"q": "helene"}, {"PatientName": "*helene*"}),
        ({"q": "MRN00"}, {"PatientID": "MRN00*"}),
        ({"q": "ACC-004"}, {"AccessionNumber": "ACC-004*"}),
        ({"from": "2026-01-05", "to": "2026-01-10"}, {"StudyDate": "20260105-20260110"}),
        ({"modality": "US"}, {"ModalitiesInStudy": "US"}),
        ({"q": "garcia", "modality": "CT"}, {"PatientName": "*garcia*", "ModalitiesInStudy": "CT"}),
    ],
)
def test_the_filters_of_the_page_are_the_keys_of_the_doors(
    archive: Archive, reader: Client, filters: dict[str, str], keys: dict[str, str]
) -> None:
    found = archive.by_qido(keys)
    assert found
    assert archive.by_page(reader, filters) == found
    assert archive.by_c_find(keys) == found
