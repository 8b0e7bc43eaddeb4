"""ImagingStudy: the study list, as FHIR (FH-2). A search gives studies with their series; a reading every instance as well."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from django.db.models import Max
from django.utils import timezone

from accounts.roles import Right
from imaging.dicom import matching, person_name
from imaging.ehr.fhir import endpoints, ids, patients, service_requests
from imaging.ehr.fhir.kinds import ID, LAST_UPDATED, NOTHING, Asking, Kind, Page, Wanted, titled
from imaging.ehr.fhir.parameters import Criteria, Parameter, Token, Type
from imaging.events.models import Change
from imaging.fhir.imaging import InstanceFacts, SeriesFacts, StudyFacts, imaging_study_of
from imaging.fhir.values import DCM, DICOM_UID, URI, Number, Resource
from imaging.orders.models import ExamRequest, StudyLink
from imaging.reports.models import Report, ReportVersion
from imaging.studies import access
from imaging.studies.finding import partly_seen
from imaging.studies.finding.study_list import Order, StudyFilters, study_count, study_list
from imaging.studies.models import Instance, Series, Study

_MOST: Final = matching.MOST_VALUES
_STATUSES: Final = "http://hl7.org/fhir/imagingstudy-status"
#: Orders by what `_sort` calls them.
_ORDERS: Final = {"": Order.LATEST, "-started": Order.LATEST, "started": Order.EARLIEST}


class ImagingStudies(Kind):
    """Studies with images."""

    name = "ImagingStudy"
    about = (
        "Studies that the reader may list; the id is the Study Instance UID. A search gives them with their series and is "
        "marked SUBSETTED; a reading names every instance."
    )
    sorts = ("started", "-started")
    parameters = (
        ID,
        LAST_UPDATED,
        Parameter("patient", Type.REFERENCE, "Whose study it is", target="Patient", element="subject"),
        Parameter("subject", Type.REFERENCE, "Whose study it is", target="Patient", element="subject"),
        Parameter("patient.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("subject.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("identifier", Type.TOKEN, "Study Instance UID (`urn:dicom:uid|urn:oid:…`) or accession number"),
        Parameter("started", Type.DATE, "When the study began"),
        Parameter("modality", Type.TOKEN, "Modality of a series"),
        Parameter("bodysite", Type.TOKEN, "Body Part Examined of a series, as DICOM has it"),
        Parameter("dicom-class", Type.TOKEN, "SOP class of an instance"),
        Parameter("series", Type.TOKEN, "Series Instance UID"),
        Parameter("instance", Type.TOKEN, "SOP Instance UID"),
        Parameter("status", Type.TOKEN, "Always available"),
        Parameter("basedon", Type.REFERENCE, "The request that it answers", target="ServiceRequest", element="basedOn"),
        Parameter("endpoint", Type.REFERENCE, "Where its images are", target="Endpoint", element="endpoint"),
    )

    def read(self, asking: Asking, key: str) -> Resource | None:
        """One study with everything that the reader may see of it."""
        study = access.open_study(
            asking.scope, key, actor=asking.actor, purpose=access.Purpose.METADATA, right=Right.LIST
        )
        return _shown(asking, [study], is_whole=True)[0]

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """A page of the study list."""
        filters = _filters(asking, wanted.criteria)
        if filters is None:
            return NOTHING
        found = study_list(asking.scope, filters, order=_ORDERS[wanted.order], cursor=wanted.after, limit=wanted.count)
        shown = _shown(asking, [row.study for row in found.rows])
        return Page(shown, found.next, found.total if found.has_exact_total else None)

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        filters = _filters(asking, criteria)
        return 0 if filters is None else study_count(asking.scope, filters, exact=True).number

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """These."""
        rows = Study.objects.visible_to(asking.scope).filter(study_instance_uid__in=keys)
        return _shown(asking, list(rows.select_related("patient").order_by("pk")))


def _filters(asking: Asking, asked: Criteria) -> StudyFilters | None:
    """What the study list is asked for; None where nothing can be found."""
    if not _may_be(asked):
        return None
    known, uids = patients.meant(asked), _uids(asking, asked)
    modalities = [ids.modalities(group) for group in asked.codes("modality", system=DCM)]
    if not all(modalities) or known == set() or uids == set():
        return None
    keys = [] if uids is None else [matching.parse("StudyInstanceUID", "\\".join(sorted(uids)[:_MOST]))]
    keys += [matching.parse("ModalitiesInStudy", "\\".join(group)) for group in modalities[1:]]
    started, changed = asked.span("started"), asked.span("_lastUpdated")
    return StudyFilters(
        attributes=tuple(keys),
        modalities=modalities[0] if modalities else (),
        patients=tuple(sorted(known or ())),
        sop_classes=tuple(_oids(group) for group in asked.tokens("dicom-class")),
        series_body_parts=tuple(_body_parts(group) for group in asked.tokens("bodysite")),
        since=started.since,
        until=started.until,
        changed_since=changed.since,
        changed_until=changed.until,
    )


def _may_be(asked: Criteria) -> bool:
    """Whether what every study has in common is what is asked for, and no condition is of a system that is none of ours."""
    if any("available" not in group for group in asked.codes("status", system=_STATUSES)):
        return False
    if any(not set(endpoints.ALL) & set(group) for group in asked.ids("endpoint", target="Endpoint")):
        return False
    return all(_oids(group) for group in asked.tokens("dicom-class")) and all(
        _body_parts(group) for group in asked.tokens("bodysite")
    )


def _oids(tokens: Iterable[Token]) -> tuple[str, ...]:
    return ids.uids(token.value for token in tokens if token.system in {None, "", URI, DICOM_UID})


def _body_parts(tokens: Iterable[Token]) -> tuple[str, ...]:
    return tuple(token.value.upper() for token in tokens if not token.system)


def _uids(asking: Asking, asked: Criteria) -> set[str] | None:
    """The UIDs of the studies that are named, by whatever names them; None if nothing does."""
    groups = [set(ids.uids(group)) for group in asked.strings("_id")]
    groups += [_identified(group) for group in asked.tokens("identifier")]
    for group in asked.tokens("series"):
        rows = Series.objects.visible_to(asking.scope).filter(series_instance_uid__in=_oids(group))
        groups.append(set(rows.values_list("study__study_instance_uid", flat=True)[:_MOST]))
    for group in asked.tokens("instance"):
        held = Instance.objects.visible_to(asking.scope).filter(sop_instance_uid__in=_oids(group))
        groups.append(set(held.values_list("study__study_instance_uid", flat=True)[:_MOST]))
    for keys in asked.ids("basedon", target="ServiceRequest"):
        groups.append(_answering(asking, keys))
    return set.intersection(*groups) if groups else None


def _identified(tokens: Iterable[Token]) -> set[str]:
    found: set[str] = set()
    for token in tokens:
        if token.system in {None, URI, DICOM_UID}:
            found |= set(ids.uids([token.value]))
        if not token.system:
            rows = Study.objects.filter(accession_number=token.value).exclude(accession_number="")
            found |= set(rows.values_list("study_instance_uid", flat=True)[:_MOST])
    return found


def _answering(asking: Asking, keys: Sequence[str]) -> set[str]:
    requests = ExamRequest.objects.visible_to(asking.scope).filter(key__in=ids.uuids(keys))
    links = StudyLink.objects.filter(request__in=requests, ended_at=None)
    return set(links.values_list("study__study_instance_uid", flat=True)[:_MOST])


def _shown(asking: Asking, found: Sequence[Study], *, is_whole: bool = False) -> list[Resource]:
    """Studies with what belongs to them, each kind of it read once for all."""
    keys = [study.pk for study in found]
    series = list(
        Series.objects.visible_to(asking.scope)
        .filter(study__in=keys)
        .select_related("study")
        .order_by("series_number", "pk")
    )
    partly_seen.as_seen(asking.scope, series)
    listed = _instances(asking, series) if is_whole else {}
    of_study: dict[int, list[SeriesFacts]] = {}
    for row in series:
        of_study.setdefault(row.study_id, []).append(_series(row, listed.get(row.pk, ())))
    requests, readers = service_requests.answered(asking, keys), _readers(asking, keys)
    updated = _updated(found)
    return [
        titled(
            imaging_study_of(
                _facts(study, of_study.get(study.pk, ()), requests.get(study.pk, ()), readers.get(study.pk, "")),
                subject=f"Patient/{study.patient_id}",
                endpoints=[f"Endpoint/{key}" for key in endpoints.ALL],
                based_on=[f"ServiceRequest/{request.key}" for request in requests.get(study.pk, ())],
            ),
            study.study_instance_uid,
            updated=updated[study.pk],
            is_part=not is_whole,
        )
        for study in found
    ]


def _facts(
    study: Study,
    series: Sequence[SeriesFacts],
    requests: Sequence[ExamRequest],
    reader: str,
) -> StudyFacts:
    procedures = [request.procedure.label for request in requests if request.procedure is not None]
    return StudyFacts(
        uid=study.study_instance_uid,
        accession=Number(value=study.accession_number, type_code="ACSN"),
        started=timezone.localtime(study.study_at),
        time_is_known=study.study_time_known,
        description=study.description,
        modalities=tuple(dict.fromkeys(row.modality for row in series if row.modality)),
        series=series,
        referrer=person_name.display(study.referring_physician_name),
        interpreter=reader,
        procedure=procedures[0] if procedures else "",
    )


def _series(row: Series, listed: Sequence[InstanceFacts]) -> SeriesFacts:
    return SeriesFacts(
        uid=row.series_instance_uid,
        modality=row.modality,
        number=row.series_number,
        description=row.description,
        instances=row.instance_count,
        body_part=row.body_part_examined,
        laterality=row.laterality,
        listed=listed,
    )


def _instances(asking: Asking, series: Sequence[Series]) -> dict[int, list[InstanceFacts]]:
    rows = Instance.objects.visible_to(asking.scope).filter(series__in=[row.pk for row in series])
    found: dict[int, list[InstanceFacts]] = {}
    for key, uid, sop_class, number in rows.order_by("series", "instance_number", "pk").values_list(
        "series", "sop_instance_uid", "sop_class_uid", "instance_number"
    ):
        found.setdefault(key, []).append(InstanceFacts(uid=uid, sop_class=sop_class, number=number))
    return found


def _readers(asking: Asking, keys: Sequence[int]) -> dict[int, str]:
    """Who signed the report of each study, for whom may read it."""
    reports = Report.objects.visible_to(asking.scope, Right.VIEW).filter(study__in=keys)
    rows = ReportVersion.objects.filter(report__in=reports).order_by("report", "-number").distinct("report")
    return {row.report.study_id: row.signer for row in rows.select_related("report", "signed_by")}


def _updated(found: Sequence[Study]) -> dict[int, str]:
    """When each study last changed: by the change feed, and where that is forgotten by its last image."""
    rows = Change.objects.filter(study_instance_uid__in=[study.study_instance_uid for study in found])
    told = dict(
        rows.order_by()
        .values("study_instance_uid")
        .annotate(at=Max("changed_at"))
        .values_list("study_instance_uid", "at")
    )
    return {
        study.pk: max(study.last_received_at, told.get(study.study_instance_uid, study.last_received_at)).isoformat()
        for study in found
    }
