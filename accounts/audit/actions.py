"""The closed list of what is audited. A new kind of event is a new line here, never a free text."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Outcome(TextChoices):
    """How it ended (DICOM PS3.15, section A.5.1, EventOutcomeIndicator)."""

    SUCCESS = "success", _("Done")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class Action(TextChoices):
    """What was done, as noun and past participle."""

    # The portal itself
    PORTAL_STARTED = "portal.started", _("Portal started")
    PORTAL_STOPPED = "portal.stopped", _("Portal stopped")
    SETTING_CHANGED = "setting.changed", _("Setting changed")
    AUDIT_READ = "audit.read", _("Audit read")
    AUDIT_EXPORTED = "audit.exported", _("Audit exported")
    AUDIT_ARCHIVED = "audit.archived", _("Month of the audit archived")
    AUDIT_REMOVED = "audit.removed", _("Month of the audit taken out")
    AUDIT_FORWARDING_FAILED = "audit.forwarding_failed", _("Audit could not be forwarded")
    ACCESS_SUSPECTED = "access.suspected", _("Access to a record called into question")
    ACCESS_REVIEWED = "access.reviewed", _("Access to a record reviewed")
    SECURITY_ALERTED = "security.alerted", _("Security alert")

    # People and machines
    USER_SIGNED_IN = "user.signed_in", _("Signed in")
    USER_SIGNED_OUT = "user.signed_out", _("Signed out")
    USER_REFUSED = "user.refused", _("Sign-in refused")
    USER_CREATED = "user.created", _("User created")
    USER_CHANGED = "user.changed", _("User changed")
    USER_DISABLED = "user.disabled", _("User disabled")
    USER_CONFIRMED = "user.confirmed", _("Identity confirmed again")
    PASSWORD_CHANGED = "password.changed", _("Password changed")
    PASSWORD_LINK_ISSUED = "password_link.issued", _("Set-password link issued")
    FACTOR_ADDED = "factor.added", _("Sign-in factor added")
    FACTOR_REMOVED = "factor.removed", _("Sign-in factor removed")
    RECOVERY_CODES_MADE = "recovery_codes.made", _("Recovery codes made")
    RECOVERY_CODE_USED = "recovery_code.used", _("Recovery code used")
    SESSION_ENDED = "session.ended", _("Session ended")
    SIGN_IN_POLICY_CHANGED = "sign_in_policy.changed", _("Sign-in policy changed")
    IDENTITY_PROVIDER_CHANGED = "identity_provider.changed", _("Identity provider or its rules changed")
    IDENTITY_PROVIDER_TRIED = "identity_provider.tried", _("Identity provider tried")
    IDENTITY_LINKED = "identity.linked", _("Identity of a provider linked to an account")
    IDENTITY_UNLINKED = "identity.unlinked", _("Identity of a provider taken from an account")
    MEMBERSHIP_STARTED = "membership.started", _("Membership started")
    MEMBERSHIP_ENDED = "membership.ended", _("Membership ended")
    MACHINE_KEY_ISSUED = "machine_key.issued", _("Machine key issued")
    MACHINE_KEY_REVOKED = "machine_key.revoked", _("Machine key revoked")
    MACHINE_REFUSED = "machine.refused", _("Machine refused")
    WEBHOOK_CREATED = "webhook.created", _("Webhook created")
    WEBHOOK_CHANGED = "webhook.changed", _("Webhook changed")
    WEBHOOK_REMOVED = "webhook.removed", _("Webhook removed")
    SETUP_LINK_ISSUED = "setup_link.issued", _("Set-up link issued")

    # Other systems on the DICOM network
    ASSOCIATION_ACCEPTED = "association.accepted", _("Association accepted")
    ASSOCIATION_REFUSED = "association.refused", _("Association refused")
    PEER_TESTED = "peer.tested", _("Connection to an application entity tested")
    SENDER_SILENT = "sender.silent", _("Sender fallen silent")

    # Reading
    STUDIES_QUERIED = "studies.queried", _("Studies searched")
    STUDY_OPENED = "study.opened", _("Study opened")
    STUDY_PREVIEWED = "study.previewed", _("Study looked at beside the list")
    STUDY_PREFETCHED = "study.prefetched", _("Study fetched ahead of a look beside the list")
    STUDY_REFUSED = "study.refused", _("Study refused")
    PRIOR_OPENED = "prior.opened", _("Prior study opened")
    METADATA_READ = "metadata.read", _("Headers read")
    FRAMES_READ = "frames.read", _("Images read")
    INSTANCES_RETRIEVED = "instances.retrieved", _("Objects retrieved")
    STUDY_EXPORTED = "study.exported", _("Study exported")
    EXPORT_INTERRUPTED = "export.interrupted", _("Export not completed")
    LIST_EXPORTED = "list.exported", _("Study list exported")
    LIST_SAVED = "list.saved", _("Study list saved")
    LIST_CHANGED = "list.changed", _("Saved study list changed")
    LIST_DELETED = "list.deleted", _("Saved study list deleted")

    # Marking
    ANNOTATION_SAVED = "annotation.saved", _("Annotation saved")
    ANNOTATION_REMOVED = "annotation.removed", _("Annotation taken away")
    KEY_IMAGE_FLAGGED = "key_image.flagged", _("Key image flagged")
    KEY_IMAGE_UNFLAGGED = "key_image.unflagged", _("Flag of a key image taken away")

    # Arriving and changing
    INSTANCES_RECEIVED = "instances.received", _("Objects received")
    FILE_WRAPPED = "file.wrapped", _("Photo or document added")
    IMPORT_BEGUN = "import.begun", _("Import begun")
    IMPORT_RECEIVED = "import.received", _("Files of an import received")
    IMPORT_DECIDED = "import.decided", _("Patient of an import decided")
    IMPORT_CONFIRMED = "import.confirmed", _("Import confirmed")
    IMPORT_FINISHED = "import.finished", _("Import finished")
    IMPORT_CANCELLED = "import.cancelled", _("Import cancelled")
    IMPORT_EXPIRED = "import.expired", _("Import expired")
    STORE_REFUSED = "store.refused", _("Objects refused")
    INSTANCE_CONFLICTED = "instance.conflicted", _("Conflicting version kept")
    VERSION_CHOSEN = "version.chosen", _("Version chosen")
    INSTANCE_QUARANTINED = "instance.quarantined", _("Object quarantined")
    QUARANTINE_RELEASED = "quarantine.released", _("Object released from quarantine")
    QUARANTINE_DISCARDED = "quarantine.discarded", _("Quarantined object discarded")
    QUARANTINE_REJECTED = "quarantine.rejected", _("Quarantined object rejected")
    QUARANTINE_REOPENED = "quarantine.reopened", _("Decision about a quarantined object taken back")
    QUARANTINE_REMINDED = "quarantine.reminded", _("Reminder of quarantined objects sent")
    CONFLICT_DECIDED = "conflict.decided", _("Version of an image chosen")
    INSTANCE_REJECTED = "instance.rejected", _("Object rejected")
    INSTANCE_RESTORED = "instance.restored", _("Rejected object restored")
    STUDY_PLACED = "study.placed", _("Study placed in a department")
    STUDY_REMOVED = "study.removed", _("Study taken out of a department")
    GRANT_STARTED = "grant.started", _("Access granted")
    GRANT_ENDED = "grant.ended", _("Granted access ended")
    EMERGENCY_STARTED = "emergency.started", _("Emergency access started")
    EMERGENCY_ENDED = "emergency.ended", _("Emergency access ended")
    STUDY_CORRECTED = "study.corrected", _("Study corrected")
    PATIENT_CREATED = "patient.created", _("Patient created")
    PATIENT_CORRECTED = "patient.corrected", _("Patient corrected")
    PATIENTS_MERGED = "patients.merged", _("Patients merged")
    PATIENT_CHOICE_RECORDED = "patient_choice.recorded", _("Opposition or consent recorded")
    PATIENT_CHOICE_WITHDRAWN = "patient_choice.withdrawn", _("Opposition or consent withdrawn")
    STEP_RETRIED = "step.retried", _("Step retried")
    STEP_CANCELLED = "step.cancelled", _("Step cancelled")
    COPY_VERIFIED = "copy.verified", _("Copy verified")
    COPY_DAMAGED = "copy.damaged", _("Damaged copy found")

    # The privacy desk
    PRIVACY_REQUEST_RECORDED = "privacy_request.recorded", _("Request about one's data recorded")
    PRIVACY_REQUEST_ANSWERED = "privacy_request.answered", _("Request about one's data answered")
    CORRECTION_ASKED = "correction.asked", _("Correction asked for")
    CORRECTION_DECIDED = "correction.decided", _("Asked correction decided")
    PACKAGE_ASKED = "package.asked", _("Copy of a patient's data asked for")
    PACKAGE_EXPORTED = "package.exported", _("Copy of a patient's data handed over")
    PERSONAL_DATA_ERASED = "personal_data.erased", _("Personal data erased")
    BREACH_RECORDED = "breach.recorded", _("Data breach recorded")
    BREACH_CHANGED = "breach.changed", _("Data breach followed up")
