"""What each action is called in DICOM's audit trail (PS3.15, sections A.5.1 and A.5.3; codes of PS3.16, CID 400 and 401).

Every action of the closed list has its line here; a test holds that.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from accounts.audit.actions import Action


class Code(NamedTuple):
    """One code of DICOM's own scheme (DCM), with its meaning."""

    value: str
    meaning: str


#: CID 400, the event.
APPLICATION_ACTIVITY: Final = Code("110100", "Application Activity")
AUDIT_LOG_USED: Final = Code("110101", "Audit Log Used")
BEGIN_TRANSFERRING: Final = Code("110102", "Begin Transferring DICOM Instances")
INSTANCES_ACCESSED: Final = Code("110103", "DICOM Instances Accessed")
INSTANCES_TRANSFERRED: Final = Code("110104", "DICOM Instances Transferred")
STUDY_DELETED: Final = Code("110105", "DICOM Study Deleted")
EXPORT: Final = Code("110106", "Export")
IMPORT: Final = Code("110107", "Import")
NETWORK_ENTRY: Final = Code("110108", "Network Entry")
ORDER_RECORD: Final = Code("110109", "Order Record")
PATIENT_RECORD: Final = Code("110110", "Patient Record")
PROCEDURE_RECORD: Final = Code("110111", "Procedure Record")
QUERY: Final = Code("110112", "Query")
SECURITY_ALERT: Final = Code("110113", "Security Alert")
USER_AUTHENTICATION: Final = Code("110114", "User Authentication")

EVENTS: Final[tuple[Code, ...]] = (
    *(APPLICATION_ACTIVITY, AUDIT_LOG_USED, BEGIN_TRANSFERRING, INSTANCES_ACCESSED, INSTANCES_TRANSFERRED),
    *(STUDY_DELETED, EXPORT, IMPORT, NETWORK_ENTRY, ORDER_RECORD, PATIENT_RECORD, PROCEDURE_RECORD, QUERY),
    *(SECURITY_ALERT, USER_AUTHENTICATION),
)

#: CID 401, the kind of event within it.
APPLICATION_START: Final = Code("110120", "Application Start")
APPLICATION_STOP: Final = Code("110121", "Application Stop")
LOGIN: Final = Code("110122", "Login")
LOGOUT: Final = Code("110123", "Logout")
ATTACH: Final = Code("110124", "Attach")
NODE_AUTHENTICATION: Final = Code("110126", "Node Authentication")
EMERGENCY_OVERRIDE_STARTED: Final = Code("110127", "Emergency Override Started")
NETWORK_CONFIGURATION: Final = Code("110128", "Network Configuration")
SECURITY_CONFIGURATION: Final = Code("110129", "Security Configuration")
SOFTWARE_CONFIGURATION: Final = Code("110131", "Software Configuration")
USE_OF_RESTRICTED_FUNCTION: Final = Code("110132", "Use of Restricted Function")
AUDIT_RECORDING_STOPPED: Final = Code("110133", "Audit Recording Stopped")
OBJECT_SECURITY_ATTRIBUTES_CHANGED: Final = Code("110135", "Object Security Attributes Changed")
SECURITY_ROLES_CHANGED: Final = Code("110136", "Security Roles Changed")
USER_SECURITY_ATTRIBUTES_CHANGED: Final = Code("110137", "User Security Attributes Changed")
EMERGENCY_OVERRIDE_STOPPED: Final = Code("110138", "Emergency Override Stopped")
LOCAL_SERVICE_OPERATION_STARTED: Final = Code("110141", "Local Service Operation Started")

ActionCode = Literal["C", "R", "U", "D", "E"]


class Coded(NamedTuple):
    """How DICOM tells one action: the event, whether it creates, reads, updates, deletes or executes, and its kinds."""

    event: Code
    action: ActionCode
    types: tuple[Code, ...] = ()


#: What section A.5.3 allows as action of each event.
ALLOWED_ACTIONS: Final[Mapping[Code, str]] = MappingProxyType(
    {
        APPLICATION_ACTIVITY: "E",
        AUDIT_LOG_USED: "R",
        BEGIN_TRANSFERRING: "E",
        INSTANCES_ACCESSED: "CRUD",
        INSTANCES_TRANSFERRED: "CRU",
        STUDY_DELETED: "D",
        EXPORT: "R",
        IMPORT: "C",
        NETWORK_ENTRY: "E",
        ORDER_RECORD: "CRUD",
        PATIENT_RECORD: "CRUD",
        PROCEDURE_RECORD: "CRUD",
        QUERY: "E",
        SECURITY_ALERT: "E",
        USER_AUTHENTICATION: "E",
    }
)


def _alert(*types: Code) -> Coded:
    return Coded(SECURITY_ALERT, "E", types)


_A: Final = Action
_SETTINGS: Final = _alert(SOFTWARE_CONFIGURATION)
_USER: Final = _alert(USER_SECURITY_ATTRIBUTES_CHANGED)
_ROLES: Final = _alert(SECURITY_ROLES_CHANGED)
_RESTRICTED: Final = _alert(USE_OF_RESTRICTED_FUNCTION)
_RIGHTS: Final = _alert(OBJECT_SECURITY_ATTRIBUTES_CHANGED)
_NETWORK: Final = _alert(NETWORK_CONFIGURATION)
_SECURITY: Final = _alert(SECURITY_CONFIGURATION)
_NODE: Final = _alert(NODE_AUTHENTICATION)
_WORK: Final = Coded(APPLICATION_ACTIVITY, "E", (LOCAL_SERVICE_OPERATION_STARTED,))
_READ: Final = Coded(INSTANCES_ACCESSED, "R")
_CHANGED: Final = Coded(INSTANCES_ACCESSED, "U")
_STUDY_CHANGED: Final = Coded(PROCEDURE_RECORD, "U")
_PATIENT_CHANGED: Final = Coded(PATIENT_RECORD, "U")
_IMPORTED: Final = Coded(IMPORT, "C")
#: Sent to a receiver that did not have them (section A.5.3.7).
_SENT: Final = Coded(INSTANCES_TRANSFERRED, "C")

CODES: Final[Mapping[Action, Coded]] = MappingProxyType(
    {
        _A.PORTAL_STARTED: Coded(APPLICATION_ACTIVITY, "E", (APPLICATION_START,)),
        _A.PORTAL_STOPPED: Coded(APPLICATION_ACTIVITY, "E", (APPLICATION_STOP,)),
        _A.SETTING_CHANGED: _SETTINGS,
        _A.AUDIT_READ: Coded(AUDIT_LOG_USED, "R"),
        _A.AUDIT_EXPORTED: Coded(AUDIT_LOG_USED, "R"),
        _A.AUDIT_ARCHIVED: Coded(AUDIT_LOG_USED, "R"),
        _A.AUDIT_REMOVED: _alert(AUDIT_RECORDING_STOPPED),
        _A.AUDIT_FORWARDING_FAILED: _alert(AUDIT_RECORDING_STOPPED),
        _A.ACCESS_SUSPECTED: _RESTRICTED,
        _A.ACCESS_REVIEWED: Coded(AUDIT_LOG_USED, "R"),
        _A.COMPLIANCE_READ: _WORK,
        _A.SECURITY_ALERTED: _alert(),
        _A.USER_SIGNED_IN: Coded(USER_AUTHENTICATION, "E", (LOGIN,)),
        _A.USER_SIGNED_OUT: Coded(USER_AUTHENTICATION, "E", (LOGOUT,)),
        _A.USER_REFUSED: Coded(USER_AUTHENTICATION, "E", (LOGIN,)),
        _A.USER_CONFIRMED: Coded(USER_AUTHENTICATION, "E", (LOGIN,)),
        _A.SESSION_ENDED: Coded(USER_AUTHENTICATION, "E", (LOGOUT,)),
        _A.USER_CREATED: _USER,
        _A.USER_CHANGED: _USER,
        _A.USER_DISABLED: _USER,
        _A.PASSWORD_CHANGED: _USER,
        _A.PASSWORD_LINK_ISSUED: _USER,
        _A.FACTOR_ADDED: _USER,
        _A.FACTOR_REMOVED: _USER,
        _A.RECOVERY_CODES_MADE: _USER,
        _A.RECOVERY_CODE_USED: Coded(USER_AUTHENTICATION, "E", (LOGIN,)),
        _A.SIGN_IN_POLICY_CHANGED: _SECURITY,
        _A.IDENTITY_PROVIDER_CHANGED: _SECURITY,
        _A.IDENTITY_PROVIDER_TRIED: _SECURITY,
        _A.IDENTITY_LINKED: _USER,
        _A.IDENTITY_UNLINKED: _USER,
        _A.MEMBERSHIP_STARTED: _ROLES,
        _A.MEMBERSHIP_ENDED: _ROLES,
        _A.MACHINE_KEY_ISSUED: _SECURITY,
        _A.MACHINE_KEY_REVOKED: _SECURITY,
        _A.MACHINE_REFUSED: _NODE,
        _A.WEBHOOK_CREATED: _NETWORK,
        _A.WEBHOOK_CHANGED: _NETWORK,
        _A.WEBHOOK_REMOVED: _NETWORK,
        _A.MESSAGE_GATEWAY_TRIED: _NETWORK,
        _A.SETUP_LINK_ISSUED: _SECURITY,
        _A.ASSOCIATION_ACCEPTED: Coded(NETWORK_ENTRY, "E", (ATTACH,)),
        _A.ASSOCIATION_REFUSED: _NODE,
        _A.PEER_TESTED: Coded(NETWORK_ENTRY, "E", (ATTACH,)),
        _A.SENDER_SILENT: _WORK,
        _A.HL7_MESSAGE_READ: _WORK,
        _A.HL7_MESSAGE_SENT: Coded(EXPORT, "R"),
        _A.HL7_MESSAGE_DECIDED: _WORK,
        _A.STUDIES_QUERIED: Coded(QUERY, "E"),
        _A.STUDY_OPENED: _READ,
        _A.STUDY_PREVIEWED: _READ,
        _A.STUDY_PREFETCHED: _READ,
        _A.STUDY_REFUSED: _RESTRICTED,
        _A.PRIOR_OPENED: _READ,
        _A.METADATA_READ: _READ,
        _A.FRAMES_READ: _READ,
        _A.INSTANCES_RETRIEVED: Coded(INSTANCES_TRANSFERRED, "R"),
        _A.STUDY_EXPORTED: Coded(EXPORT, "R"),
        _A.EXPORT_INTERRUPTED: Coded(EXPORT, "R"),
        _A.LIST_EXPORTED: Coded(EXPORT, "R"),
        _A.LIST_SAVED: _WORK,
        _A.LIST_CHANGED: _WORK,
        _A.LIST_DELETED: _WORK,
        _A.ANNOTATION_SAVED: _CHANGED,
        _A.ANNOTATION_REMOVED: _CHANGED,
        _A.KEY_IMAGE_FLAGGED: _CHANGED,
        _A.KEY_IMAGE_UNFLAGGED: _CHANGED,
        _A.INSTANCES_RECEIVED: Coded(INSTANCES_TRANSFERRED, "C"),
        _A.FILE_WRAPPED: _IMPORTED,
        _A.IMPORT_BEGUN: _IMPORTED,
        _A.IMPORT_RECEIVED: _IMPORTED,
        _A.IMPORT_DECIDED: _IMPORTED,
        _A.IMPORT_CONFIRMED: _IMPORTED,
        _A.IMPORT_FINISHED: _IMPORTED,
        _A.IMPORT_CANCELLED: _IMPORTED,
        _A.IMPORT_TAKEN: _IMPORTED,
        _A.IMPORT_PUT_BACK: _IMPORTED,
        _A.IMPORT_EXPIRED: _IMPORTED,
        _A.STORE_REFUSED: Coded(INSTANCES_TRANSFERRED, "C"),
        _A.INSTANCE_CONFLICTED: Coded(INSTANCES_TRANSFERRED, "U"),
        _A.VERSION_CHOSEN: _CHANGED,
        _A.CONFLICT_DECIDED: _CHANGED,
        _A.INSTANCE_QUARANTINED: Coded(INSTANCES_TRANSFERRED, "C"),
        _A.QUARANTINE_RELEASED: _IMPORTED,
        _A.QUARANTINE_DISCARDED: Coded(INSTANCES_ACCESSED, "D"),
        _A.QUARANTINE_REJECTED: Coded(INSTANCES_ACCESSED, "D"),
        _A.QUARANTINE_REOPENED: _CHANGED,
        _A.QUARANTINE_REMINDED: _WORK,
        _A.INSTANCE_REJECTED: Coded(INSTANCES_ACCESSED, "D"),
        _A.INSTANCE_RESTORED: _CHANGED,
        _A.STUDY_PLACED: _RIGHTS,
        _A.STUDY_REMOVED: _RIGHTS,
        _A.GRANT_STARTED: _RIGHTS,
        _A.GRANT_ENDED: _RIGHTS,
        _A.PROTECTION_SET: _RIGHTS,
        _A.PROTECTION_LIFTED: _RIGHTS,
        _A.ACCESS_EXPLAINED: Coded(AUDIT_LOG_USED, "R"),
        _A.ACCESS_LIST_EXPORTED: Coded(AUDIT_LOG_USED, "R"),
        _A.EMERGENCY_STARTED: _alert(EMERGENCY_OVERRIDE_STARTED),
        _A.EMERGENCY_ENDED: _alert(EMERGENCY_OVERRIDE_STOPPED),
        _A.EMERGENCY_REFUSED: _RESTRICTED,
        _A.EMERGENCY_READ: Coded(AUDIT_LOG_USED, "R"),
        _A.EMERGENCY_REVIEWED: Coded(AUDIT_LOG_USED, "R"),
        _A.SEALED_ACCOUNT_SEALED: _SECURITY,
        _A.SEALED_ACCOUNT_OPENED: _alert(EMERGENCY_OVERRIDE_STARTED),
        _A.SEALED_ACCOUNT_CLOSED: _alert(EMERGENCY_OVERRIDE_STOPPED),
        _A.EXISTENCE_ASKED: Coded(QUERY, "E"),
        _A.ACCESS_REQUESTED: _WORK,
        _A.ACCESS_WITHDRAWN: _WORK,
        _A.ACCESS_DISCUSSED: _WORK,
        _A.ACCESS_APPROVED: _RIGHTS,
        _A.ACCESS_DENIED: _RIGHTS,
        _A.ACCESS_RENEWED: _WORK,
        _A.ACCESS_REVOKED: _RIGHTS,
        _A.ACCESS_GIVEN_BACK: _RIGHTS,
        _A.ACCESS_EXPIRED: _RIGHTS,
        _A.ACCESS_REMINDED: _WORK,
        _A.ACCESS_UNANSWERED: _WORK,
        _A.STUDY_CORRECTED: _STUDY_CHANGED,
        _A.PATIENT_CREATED: Coded(PATIENT_RECORD, "C"),
        _A.PATIENT_CORRECTED: Coded(PATIENT_RECORD, "U"),
        _A.PATIENTS_MERGED: Coded(PATIENT_RECORD, "U"),
        _A.IMAGES_MOVED: _CHANGED,
        _A.PATIENT_CHOICE_RECORDED: _PATIENT_CHANGED,
        _A.PATIENT_CHOICE_WITHDRAWN: _PATIENT_CHANGED,
        _A.PRIVACY_REQUEST_RECORDED: _PATIENT_CHANGED,
        _A.PRIVACY_REQUEST_ANSWERED: _PATIENT_CHANGED,
        _A.CORRECTION_ASKED: _PATIENT_CHANGED,
        _A.CORRECTION_DECIDED: _PATIENT_CHANGED,
        _A.PACKAGE_ASKED: Coded(EXPORT, "R"),
        _A.PACKAGE_EXPORTED: Coded(EXPORT, "R"),
        _A.PERSONAL_DATA_ERASED: Coded(PATIENT_RECORD, "D"),
        _A.REQUEST_CHANGED: Coded(ORDER_RECORD, "U"),
        _A.REQUEST_READ: Coded(ORDER_RECORD, "R"),
        _A.REQUESTS_LISTED: Coded(QUERY, "E"),
        _A.WORKLIST_ASKED: Coded(QUERY, "E"),
        _A.STEP_REPORTED: Coded(PROCEDURE_RECORD, "U"),
        _A.STUDY_LINKED: Coded(PROCEDURE_RECORD, "U"),
        _A.STUDY_UNLINKED: Coded(PROCEDURE_RECORD, "U"),
        _A.REPORT_SAVED: Coded(PATIENT_RECORD, "U"),
        _A.REPORT_READ: Coded(PATIENT_RECORD, "R"),
        _A.REPORT_SIGNED: Coded(PATIENT_RECORD, "U"),
        _A.REPORT_RECEIVED: Coded(PATIENT_RECORD, "U"),
        _A.REPORT_WITHDRAWN: Coded(PATIENT_RECORD, "U"),
        _A.READING_TAKEN: Coded(PROCEDURE_RECORD, "U"),
        _A.READING_CHANGED: Coded(PROCEDURE_RECORD, "U"),
        _A.READING_GIVEN_BACK: Coded(PROCEDURE_RECORD, "U"),
        _A.CRITICAL_RAISED: Coded(PATIENT_RECORD, "U"),
        _A.CRITICAL_ACKNOWLEDGED: Coded(PATIENT_RECORD, "U"),
        _A.CRITICAL_ESCALATED: Coded(PATIENT_RECORD, "U"),
        _A.FIGURES_EXPORTED: Coded(EXPORT, "R"),
        # Who opens a link comes in by it; making, changing and ending one is about who may see what.
        _A.SHARE_MADE: _RIGHTS,
        _A.SHARE_DECIDED: _RIGHTS,
        _A.SHARE_SENT: _WORK,
        _A.SHARE_OPENED: Coded(USER_AUTHENTICATION, "E", (LOGIN,)),
        _A.SHARE_PROVED: Coded(USER_AUTHENTICATION, "E", (LOGIN,)),
        _A.SHARE_TOKEN_GIVEN: _SECURITY,
        _A.SHARE_ASKED: _WORK,
        _A.SHARE_REFUSED: Coded(USER_AUTHENTICATION, "E", (LOGIN,)),
        _A.SHARE_CHANGED: _RIGHTS,
        _A.SHARE_REVOKED: _RIGHTS,
        _A.TRANSFER_ASKED: _WORK,
        _A.TRANSFER_DECIDED: _RIGHTS,
        _A.TRANSFER_STARTED: Coded(BEGIN_TRANSFERRING, "E"),
        _A.TRANSFER_DONE: _SENT,
        _A.TRANSFER_FAILED: _SENT,
        _A.TRANSFER_STOPPED: _SENT,
        _A.COPY_ASKED: Coded(EXPORT, "R"),
        _A.COPY_MADE: Coded(EXPORT, "R"),
        _A.COPY_DECIDED: _STUDY_CHANGED,
        _A.SHARES_READ: Coded(AUDIT_LOG_USED, "R"),
        _A.COLLECTION_MADE: _RIGHTS,
        _A.COLLECTION_CHANGED: _RIGHTS,
        _A.COLLECTION_OPENED: Coded(QUERY, "E"),
        _A.COLLECTION_MEMBER_SET: _RIGHTS,
        _A.COLLECTION_MEMBER_REMOVED: _RIGHTS,
        _A.COLLECTION_STUDY_ADDED: _RIGHTS,
        _A.COLLECTION_STUDY_REMOVED: _RIGHTS,
        _A.COLLECTION_COMMENTED: _WORK,
        _A.RECORD_READ: Coded(PATIENT_RECORD, "R"),
        _A.RECORD_LAUNCHED: Coded(USER_AUTHENTICATION, "E", (LOGIN,)),
        _A.BREACH_RECORDED: _alert(),
        _A.BREACH_CHANGED: _alert(),
        _A.STEP_RETRIED: _WORK,
        _A.STEP_CANCELLED: _WORK,
        _A.COPY_VERIFIED: _WORK,
        _A.COPY_DAMAGED: _alert(),
    }
)

#: Rows outlive the list of actions: one whose action has gone is told as what every event is.
_GONE: Final = Coded(APPLICATION_ACTIVITY, "E")


def coded(action: str) -> Coded:
    """Return how DICOM tells the action of a row."""
    return CODES.get(Action(action), _GONE) if action in Action.values else _GONE


def actions_of(event_ids: "list[str]") -> list[str]:
    """Return the actions that are told as one of these events."""
    return [action.value for action, told in CODES.items() if told.event.value in event_ids]
