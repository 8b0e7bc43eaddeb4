"""What orders, studies and reports tell each other: values handed from one to the other, nothing decided here."""

from imaging.orders.matching import selectors, services
from imaging.orders.models import ExamRequest
from imaging.reports import selectors as reports
from imaging.reports.reading import opened
from imaging.reports.reading import services as reading
from imaging.reports.reading.asked import Asked
from imaging.reports.writing import selectors as writing


def match(study_instance_uid: str) -> None:
    """Link a study that has changed to the request that it answers."""
    services.match_study(study_instance_uid)


def complete(study_instance_uid: str) -> None:
    """Link a study whose images are complete, and offer it to who reads it."""
    services.match_study(study_instance_uid, is_complete=True)
    _offer(study_instance_uid)


def request_changed(key: str) -> None:
    """Look for studies that came before their request, and tell readers what is asked now."""
    services.match_late_order(key)
    for study_instance_uid in selectors.study_uids_of_request(key):
        if selectors.is_complete(study_instance_uid):
            _offer(study_instance_uid)
        services.follow_report(study_instance_uid, is_reported=reports.is_reported)


def report_changed(key: str) -> None:
    """Bring requests in line with the report of the study that answers them."""
    for study_instance_uid in writing.study_uids_of_reports([key]).values():
        services.follow_report(study_instance_uid, is_reported=reports.is_reported)


def report_read(key: str) -> None:
    """Note at the request that who asked has read the report."""
    for study_instance_uid in writing.study_uids_of_reports([key]).values():
        reader = opened.asked_by(study_instance_uid)
        if reader is not None and reports.is_reported(study_instance_uid):
            services.acknowledge(study_instance_uid, reader=reader)


def _offer(study_instance_uid: str) -> None:
    request = selectors.request_of_study(study_instance_uid)
    reading.offer(study_instance_uid, asked=_asked(request) if request is not None else None)


def _asked(request: ExamRequest) -> Asked:
    """What a request asks, as reading knows it."""
    procedure = request.procedure
    return Asked(
        request_key=str(request.key),
        priority=request.priority,
        asked_by_id=request.requester_id,
        asked_by_name=selectors.requester_name(request),
        asking_department_id=request.requesting_department_id,
        performing_department_id=request.performing_department_id,
        asked_at=request.requested_at or request.created_at,
        accession_number=request.accession_number,
        procedure_code=procedure.code if procedure else "",
        procedure_name=procedure.name if procedure else "",
        laterality=request.laterality,
        clinical_question=request.clinical_question,
        modality=procedure.modality if procedure else "",
        body_part_examined=procedure.body_part_examined if procedure else "",
        subspecialty=procedure.subspecialty if procedure else "",
    )
