"""The periodic table: what Celery's beat offers, and how often. Read by the settings, so it imports no model and no Celery."""

from typing import Any, Final

SWEEP: Final = "imaging.pipeline.sweep"
PRUNE: Final = "imaging.pipeline.prune"
WATCH_SENDERS: Final = "imaging.pipeline.watch_senders"
FILE_AUDIT: Final = "imaging.pipeline.file_audit"
REMIND_OF_QUARANTINE: Final = "imaging.pipeline.remind_of_quarantine"
RESUME_RELEASES: Final = "imaging.pipeline.resume_releases"
OFFER_WEBHOOKS: Final = "imaging.pipeline.offer_webhooks"
OFFER_HL7: Final = "imaging.pipeline.offer_hl7"
FORWARD_AUDIT: Final = "imaging.pipeline.forward_audit"
REVIEW_ACCESS: Final = "imaging.pipeline.review_access"
EXPIRE_UPLOADS: Final = "imaging.pipeline.expire_uploads"
LET_GO_OF_PACKAGES: Final = "imaging.pipeline.let_go_of_packages"
TEND_ACCESS: Final = "imaging.pipeline.tend_access"
TEND_SHARES: Final = "imaging.pipeline.tend_shares"
OFFER_TRANSFERS: Final = "imaging.pipeline.offer_transfers"
TEND_CRITICAL: Final = "imaging.pipeline.tend_critical"
SEND_NOTICES: Final = "imaging.pipeline.send_notices"

# Each message expires before the next but one: a broker that was away, or a busy queue, does not pile them up.
SCHEDULE: dict[str, dict[str, Any]] = {
    "drain the outbox": {
        "task": "imaging.pipeline.drain",
        "schedule": 2.0,
        "options": {"queue": "short", "expires": 4.0},
    },
    "sweep the jobs": {"task": SWEEP, "schedule": 10.0, "options": {"queue": "short", "expires": 20.0}},
    "file the audit that waits": {
        "task": FILE_AUDIT,
        "schedule": 60.0,
        "options": {"queue": "short", "expires": 120.0},
    },
    "tell of emergency accesses, and close what is over": {
        "task": "imaging.pipeline.follow_up_emergencies",
        "schedule": 30.0,
        "options": {"queue": "short", "expires": 60.0},
    },
    "forward the audit": {
        "task": FORWARD_AUDIT,
        "schedule": 10.0,
        "options": {"queue": "long", "expires": 20.0},
    },
    "look into yesterday's access": {
        "task": REVIEW_ACCESS,
        "schedule": 3600.0,
        "options": {"queue": "long", "expires": 3600.0},
    },
    "watch for silent senders": {
        "task": WATCH_SENDERS,
        "schedule": 600.0,
        "options": {"queue": "short", "expires": 1200.0},
    },
    "forget uploads that nobody went on with": {
        "task": EXPIRE_UPLOADS,
        "schedule": 600.0,
        "options": {"queue": "short", "expires": 1200.0},
    },
    "let go of copies of patients' data": {
        "task": LET_GO_OF_PACKAGES,
        "schedule": 3600.0,
        "options": {"queue": "short", "expires": 3600.0},
    },
    "tell the webhooks that wait": {
        "task": OFFER_WEBHOOKS,
        "schedule": 30.0,
        "options": {"queue": "short", "expires": 60.0},
    },
    "send the HL7 that is owed": {
        "task": OFFER_HL7,
        "schedule": 5.0,
        "options": {"queue": "short", "expires": 10.0},
    },
    "go on with releases from quarantine": {
        "task": RESUME_RELEASES,
        "schedule": 60.0,
        "options": {"queue": "short", "expires": 120.0},
    },
    "look after access requests": {
        "task": TEND_ACCESS,
        "schedule": 300.0,
        "options": {"queue": "short", "expires": 600.0},
    },
    "tell of shares that end or show less": {
        "task": TEND_SHARES,
        "schedule": 300.0,
        "options": {"queue": "short", "expires": 600.0},
    },
    "go on with what is sent to partner archives": {
        "task": OFFER_TRANSFERS,
        "schedule": 10.0,
        "options": {"queue": "short", "expires": 20.0},
    },
    "remind of critical findings": {
        "task": TEND_CRITICAL,
        "schedule": 30.0,
        "options": {"queue": "short", "expires": 60.0},
    },
    "send the mails that are owed": {
        "task": SEND_NOTICES,
        "schedule": 10.0,
        "options": {"queue": "short", "expires": 20.0},
    },
    "send the messages that are owed to people outside": {
        "task": "imaging.pipeline.send_messages",
        "schedule": 10.0,
        "options": {"queue": "short", "expires": 20.0},
    },
    "remind of what waits in quarantine": {
        "task": REMIND_OF_QUARANTINE,
        "schedule": 86400.0,
        "options": {"queue": "short", "expires": 3600.0},
    },
    "forget old jobs": {"task": PRUNE, "schedule": 86400.0, "options": {"queue": "short", "expires": 3600.0}},
}
