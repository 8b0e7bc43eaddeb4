"""Every address of the portal is known here, and a stranger gets nothing at any of them.

A route that is not in the table fails the first test: whoever adds one says how it is asked, and whom it may answer.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Department, User
from accounts.roles import Role
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

#: Addresses of other people's applications, which hold no study: sign-in, admin (staff only, tested in tests/portal).
FOREIGN = ("account/", "admin/")
#: What anybody may ask.
OPEN_TO_ALL = {
    "health/live",
    "health/ready",
    "language/",
    "fhir/metadata",
    "fhir/.well-known/smart-configuration",
    ".well-known/jwks.json",
    "",
}
#: Answers a monitoring system with its token, and is 404 for everybody else: tests/portal/test_metrics.py.
MONITORING = {"metrics"}
#: What a person who has signed in may ask, and sees nothing of others at: checked by the list's own tests.
OWN = {"download-studies", "study-list", "study-rows", "palette", "wrap", "wrap-find"}
OWN |= {"study-total", "study-hiding", "list-offered", "list-columns", "list-selected", "list-export"}
#: Texts about the portal itself, the same for everybody: tests/imaging/viewer/test_help.py.
OWN |= {"help", "help-topics"}
#: Lists that people keep, 404 for whom they were not given to: tests/imaging/viewer/test_saved_lists.py.
OWN |= {"lists", "list-save", "list-layout", "list-change", "list-delete"}
#: Of one's own notifications, 404 for another's: tests/accounts/notifications/test_pages.py.
OWN |= {f"notifications:{name}" for name in ("list", "bell", "read", "open")}
#: Of one's own uploads, 404 for everybody else: tests/imaging/ingest/uploads/test_hostile.py.
UPLOADS = {"ingest:uploads", "ingest:tus", "ingest:tus-file"} | {
    f"ingest:upload-{step}" for step in ("begin", "files", "received", "cancelled")
}
#: Of an import, for the one who brought it alone: tests/imaging/ingest/imports/test_pages.py.
IMPORTS = {f"ingest:import{step}" for step in ("", "-progress", "-confirm", "-discard", "-stop", "-put-back")}
#: Of the departments whose imports one decides, without a patient: tests/imaging/sharing/test_receiving.py.
IMPORTS |= {"ingest:inbox", "ingest:inbox-take"}
#: Of the desks, for people who decide or may write, and only about what they may see: tests/imaging/ingest/desk/.
DESKS = {
    *(f"ingest:quarantine{step}" for step in ("", "-decide", "-patients", "-decisions", "-decision", "-undo")),
    *("ingest:quarantined", "ingest:conflicts", "ingest:conflict", "ingest:conflict-decide"),
    *("viewer:quarantined-picture", "viewer:version-picture"),
}
#: Of what is put right, by capability and about studies that one sees: tests/imaging/ingest/test_repair_pages.py.
REPAIRS = {
    *(f"ingest:repair{step}" for step in ("", "s", "-undo", "-preview", "-do", "-patients", "-studies")),
}
#: Of the privacy desk, route by route: by capability, 403 for everybody else: tests/imaging/privacy/test_pages.py.
PRIVACY = {
    *(f"privacy:{page}" for page in ("home", "find", "seen", "letter", "choices", "choice-record", "choice-withdraw")),
    *(f"privacy:patient{step}" for step in ("", "-table")),
    *(f"privacy:request{step}" for step in ("", "s", "-new", "-staff", "-close", "-extend")),
    *("privacy:letter-make", "privacy:correction-ask", "privacy:restrict", "privacy:erase"),
    *(f"privacy:package{step}" for step in ("", "-ask", "-cancel", "-download")),
    *("privacy:corrections", "privacy:correction-decide"),
    *("privacy:breaches", "privacy:breach", "privacy:breach-close", "privacy:reviews", "privacy:review-decide"),
}
#: Of access requests: by capability, and about one's own or one's department's alone: tests/imaging/access/requests/.
ACCESS_REQUESTS = {
    *(f"access:{page}" for page in ("mine", "elsewhere", "ask", "desk", "request")),
    *(f"access:{act}" for act in ("decide", "revoke", "words", "withdraw", "renew")),
}
#: Of exam requests: by capability, 404 for whom they do not concern: tests/imaging/orders/requesting/.
REQUESTING = {
    *(
        f"orders:{page}"
        for page in ("requests", "new", "procedures", "star", "request", "edit", "save", "copy", "slip")
    ),
    *(f"orders:{act}" for act in ("cancel", "acknowledge", "write", "join", "attach", "attachment", "detach")),
    "orders:take-back",
    # What the health record tells: tests/imaging/ehr/summary/test_beside_requests.py.
    "viewer:request-record",
}
#: Of the reading list and of critical findings: by capability, 404 for studies and findings of others: tests/imaging/reports/.
READING = {
    *(
        f"reports:reading{step}"
        for step in ("", "-rows", "-next", "-keep", "-forget", "-choices", "-take", "-give-back")
    ),
    *(f"reports:reading-{act}" for act in ("assign", "priority", "leave")),
    *(f"reports:critical{step}" for step in ("", "-list", "-raise", "-acknowledge", "-told", "-withdraw")),
}
#: Of vetting, rooms and their days: by capability, about requests of one's own departments: tests/imaging/orders/scheduling/.
ROOMS = {
    *(f"orders:{page}" for page in ("vetting", "schedule", "exams")),
    *(f"orders:{act}" for act in ("vetting-decide", "schedule-book", "schedule-unbook", "exams-take")),
    *(f"orders:{step}" for step in ("vetting-rows", "vetting-one", "vetting-exchange", "exams-rows", "exams-why")),
    *(f"orders:{part}" for part in ("schedule-board", "schedule-one")),
}
#: Figures of departments: by capability, 403 for everybody else: tests/imaging/orders/figures/.
FIGURES = {"figures:figures", "figures:table"}
#: Of the reconciliation desk: by capability, and about studies and requests of one's own departments alone:
#: tests/imaging/orders/matching/test_pages.py.
RECONCILIATION = {
    f"orders:reconcile{step}" for step in ("", "-live", "-study", "-link", "-unlink", "-settle", "-request", "-mend")
}
#: Of reports: written by capability in a department that works on the study, read by who views it; templates are one's own:
#: tests/imaging/reports/writing/test_pages.py.
REPORTS = {
    *(f"reports:{act}" for act in ("write", "draft", "template-text", "pull", "let-go", "picture")),
    *(f"reports:{act}" for act in ("sign", "begin", "discard", "withdraw")),
    *(f"reports:{page}" for page in ("report", "beside", "report-pdf", "report-version", "version-pdf")),
    *(f"reports:template{step}" for step in ("s", "", "-new", "-forget")),
    *("reports:macro-keep", "reports:macro-forget"),
}
#: Of sharing, for who shares or looks after shares, 404 for the shares of others: tests/imaging/sharing/.
SHARING = {f"sharing:{page}" for page in ("mine", "find", "share", "revoke", "change", "renew", "decide")}
SHARING |= {"sharing:record-new", "viewer:record-preview"}
SHARING |= {"sharing:new", "sharing:letter", "viewer:share-preview"}
SHARING |= {"sharing:health-link"}
SHARING |= {"sharing:copy", "sharing:copy-decide", "sharing:copy-again"}
SHARING |= {f"sharing:transfer{step}" for step in ("", "s", "-new", "-stop", "-again", "-decide")}
#: Of collections, for their members alone, 404 for everybody else: tests/imaging/sharing/collections/test_pages.py.
COLLECTIONS = {
    *(f"collections:{page}" for page in ("mine", "find", "new", "choose", "put", "collection", "edit", "archive")),
    *(f"collections:{act}" for act in ("paste", "remove-study", "note", "move-study", "members", "leave")),
    *(f"collections:{act}" for act in ("change-member", "remove-member", "comments", "change-comment")),
    "collections:delete-comment",
}
#: What the hospital's record opens: sign-in for a stranger, 404 for what they may not see: tests/imaging/ehr/test_invoking.py.
INVOKED = {"ehr:invoke", "ehr:resume", "ehr:elsewhere"}
#: By which records sign people in: nobody without the record's own proof: tests/imaging/ehr/launching/.
LAUNCHED = {"ehr:launch", "ehr:launch-callback", "ehr:launch-signed"}
#: Of the FHIR facade, for whoever has been recognised, 404 for what they may not see: tests/imaging/ehr/fhir/.
FHIR = {"fhir:resources", "fhir:search-form", "fhir:resource"}
#: Of emergency access: by capability, and about one's own alone: tests/imaging/access/emergency/.
EMERGENCY = {f"access:emergency{page}" for page in ("", "-opened", "-end", "-reviews", "-review")}
#: What programs and people may ask of the REST API, and see nothing of others in: tests/imaging/api/.
API = {
    *(f"api:{name}" for name in ("index", "me", "departments", "patients", "patient", "patient-studies", "studies")),
    *(f"api:{name}" for name in ("problems", "jobs", "job", "job-retry", "uploads", "upload", "events")),
    *(f"api:webhook{step}" for step in ("s", "", "-attempts", "-resume", "-secret", "-test")),
    *("api:schema", "api:docs", "api:docs-problems"),
}
#: Routes of a study by name, with what they are called in `Addresses`.
OF_A_STUDY = {
    "viewer:study": "page",
    "viewer:study-live": "live parts",
    "viewer:study-instances": "instances",
    "viewer:prior-open": "prior",
    "viewer:study-preview": "preview beside the list",
    "viewer:study-why": "why",
    "viewer:study-record": "health record",
    "viewer:study-protect": "protect",
    "viewer:study-protection-lift": "lift",
    "viewer:study-retry": "retry",
    "viewer:correction-revert": "correction",
    "viewer:headers": "headers",
    "viewer:download-study": "study download",
    "viewer:download-series": "series download",
    "viewer:download-clean": "download without identity",
    "viewer:download-clean-zip": "zip without identity",
    "viewer:download-image": "image download",
    "viewer:study-thumbnail": "study thumbnail",
    "viewer:series-thumbnail": "series thumbnail",
    "viewer:instance-thumbnail": "instance thumbnail",
    "viewer:instance-preview": "instance preview",
    "viewer:series-cine": "moving picture",
    "viewer:document": "document",
    "viewer:document-file": "document file",
    "viewer:document-page": "document page",
    "viewer:document-video": "document video",
    "viewer:viewer": "viewer",
    "viewer:manifest": "manifest",
    "viewer:markings": "markings",
    "viewer:annotation": "annotation",
    "viewer:key-image": "key image",
    "api:study": "api study",
    "api:placements": "api placements",
    "api:study-retry": "api retry",
    "api:series-of-study": "api series of study",
    "api:series": "api series",
    "api:instances": "api instances",
    "api:instance": "api instance",
    "dicomweb:root": "root",
    "dicomweb:series-of-study": "search series",
    "dicomweb:instances-of-study": "search instances",
    "dicomweb:instances-of-series": "search instances of series",
    "dicomweb:study-rendered": "rendered study",
    "dicomweb:series-rendered": "rendered series",
    "dicomweb:study-thumbnail": "drawn thumbnail of study",
    "dicomweb:series-thumbnail": "drawn thumbnail of series",
    "dicomweb:study": "retrieve study",
    "dicomweb:series": "retrieve series",
    "dicomweb:instance": "retrieve instance",
    "dicomweb:study-metadata": "study metadata",
    "dicomweb:series-metadata": "series metadata",
    "dicomweb:instance-metadata": "instance metadata",
    "dicomweb:frames": "frame",
    "dicomweb:rendered": "rendered",
    "dicomweb:frames-rendered": "rendered frame",
    "dicomweb:thumbnail": "thumbnail",
    "dicomweb:frames-thumbnail": "frame thumbnail",
    "dicomweb:bulkdata": "bulk data",
}


#: Searches of all there is: a stranger finds nothing, tests/imaging/dicomweb/test_qido.py.
SEARCHES = {"dicomweb:studies", "dicomweb:all-series", "dicomweb:all-instances"}

#: What a stranger who may upload is answered when the body is nothing that can be stored: 415, whatever there is already.
STORED_TO = {"dicomweb:study"}


def routes(resolver: URLResolver, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, namespaced name) of every route."""
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, path, f"{entry.namespace}:" if entry.namespace else space)
        elif isinstance(entry, URLPattern):
            yield path, f"{space}{entry.name or ''}"


def address_of(name: str, there: Addresses) -> str:
    """The address of a route for a study."""
    known = {
        **there.all,
        "retry": f"/studies/{there.study_uid}/retry",
        "download without identity": f"/studies/{there.study_uid}/download/without-identity",
        "zip without identity": f"/studies/{there.study_uid}/download/without-identity.zip?ticket=x",
        "why": f"/studies/{there.study_uid}/why",
        "health record": f"/studies/{there.study_uid}/record",
        "protect": f"/studies/{there.study_uid}/protect",
        "lift": f"/studies/{there.study_uid}/protections/7/lift",
        "prior": f"/studies/{there.study_uid}/priors/1.2.3/open",
        "correction": f"/studies/{there.study_uid}/corrections/{UUID(int=7)}/revert",
        "annotation": f"/viewer/{there.study_uid}/annotations/{UUID(int=7)}",
        "key image": f"/viewer/{there.study_uid}/key-images/{there.sop_uid}/1",
        **there.api,
        "root": "/dicom-web/",
        **{
            f"{what} {level}": f"{address}/{path}"
            for what, path in (("rendered", "rendered"), ("drawn thumbnail of", "thumbnail"))
            for level, address in (
                ("study", f"/dicom-web/studies/{there.study_uid}"),
                ("series", f"/dicom-web/studies/{there.study_uid}/series/{there.series_uid}"),
            )
        },
        "search series": f"/dicom-web/studies/{there.study_uid}/series",
        "search instances": f"/dicom-web/studies/{there.study_uid}/instances",
        "search instances of series": f"/dicom-web/studies/{there.study_uid}/series/{there.series_uid}/instances",
    }
    return known[OF_A_STUDY[name]]


def test_every_route_is_known() -> None:
    strange = [
        (path, name)
        for path, name in routes(get_resolver())
        if not path.startswith(FOREIGN)
        and path not in OPEN_TO_ALL | MONITORING
        and name.removeprefix("viewer:") not in OWN
        and name not in OF_A_STUDY
        and name not in IMPORTS | UPLOADS
        and name not in RECONCILIATION | REQUESTING | READING | REPORTS | SHARING
        and name not in COLLECTIONS | INVOKED | LAUNCHED | FHIR
        and name not in DESKS | REPAIRS | SEARCHES | API | EMERGENCY | PRIVACY | ACCESS_REQUESTS | FIGURES | ROOMS
    ]
    assert not strange, f"Say in this table how these are asked, and whom they answer: {strange}"


def test_the_table_names_no_route_that_is_gone() -> None:
    assert set(OF_A_STUDY) <= {name for _path, name in routes(get_resolver())}


@pytest.mark.parametrize("name", sorted(OF_A_STUDY))
def test_a_stranger_gets_nothing_by_any_method(
    name: str, archive: Archive, bob: User, charlie: User, client: Client
) -> None:
    made = arrivals.dataset(PatientName="Secret^Susan")
    archive.receive(made)
    address = address_of(name, addresses(made))
    for method in ("get", "head", "post", "put", "delete", "options"):
        answer: Any = getattr(client, method)(address)
        assert answer.status_code in {302, 401, 405}, (method, answer.status_code)
        assert b"Secret" not in answer.getvalue()
    for stranger in (bob, charlie):
        client.force_login(stranger)
        for method in ("get", "head", "post", "put", "delete", "options"):
            answer = getattr(client, method)(address)
            stored = {403, 415} if name in STORED_TO and method == "post" else set()
            assert answer.status_code in {404, 405} | stored, (method, answer.status_code)
            assert b"Secret" not in answer.getvalue()


@pytest.mark.parametrize("role", list(Role))
def test_no_role_elsewhere_opens_anything(
    role: Role, archive: Archive, orthopaedics: Department, client: Client
) -> None:
    made = arrivals.dataset(PatientName="Zzyzx^Susan", AccessionNumber="ZZYZX-1")
    archive.receive(made)
    there = addresses(made)
    stranger = UserFactory.create()
    MembershipFactory.create(user=stranger, department=orthopaedics, role=role)
    client.force_login(stranger)
    for name in sorted(OF_A_STUDY):
        for method in ("get", "post"):
            answer: Any = getattr(client, method)(address_of(name, there))
            stored = {403, 415} if name in STORED_TO and method == "post" else set()
            assert answer.status_code in {404, 405} | stored, (name, method, answer.status_code)
            assert b"zzyzx" not in answer.getvalue().lower(), name
    for path, name in routes(get_resolver()):
        if "<" not in path and not path.startswith(FOREIGN) and name not in OF_A_STUDY:
            answer = client.get(f"/{path}")
            shown = answer.getvalue().lower()
            assert b"zzyzx" not in shown, path
            assert there.study_uid.encode() not in shown, path
