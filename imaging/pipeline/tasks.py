"""What Celery runs. Each task is a nudge to look at the database: lost, doubled or late, it does no harm."""

from accounts.audit import forwarding as audit_forwarding
from accounts.audit import reviews as audit_reviews
from accounts.audit import spool as audit_spool
from accounts.idempotency import services as idempotency
from accounts.messaging import sending as messages
from accounts.messaging import services as messaging
from accounts.notifications import mailing
from accounts.notifications import services as notifications
from accounts.sealed import services as sealed
from imaging import queues
from imaging.access.emergency import services as emergencies
from imaging.access.requests import tending
from imaging.ehr import services as ehr
from imaging.ehr.sending import delivering as hl7_sending
from imaging.events import changes, jobs
from imaging.events import services as events
from imaging.ingest import silence
from imaging.ingest.desk import releasing, reminders
from imaging.ingest.uploads import services as uploads
from imaging.pipeline import beat, steps
from imaging.privacy.packages import services as packages
from imaging.reports.critical import services as critical
from imaging.sharing import tending as sharing
from imaging.sharing.partners import sending as pushes
from imaging.studies import services as studies
from imaging.webhooks import services as webhooks


@queues.short_task(name=queues.DRAIN)
def drain() -> None:
    """Turn the events that are due into jobs."""
    steps.drain()


@queues.short_task(name=queues.RUN_STEP[queues.SHORT])
def run_short_step() -> None:
    """Run one short job."""
    steps.run_next(queues.SHORT)


@queues.long_task(name=queues.RUN_STEP[queues.LONG])
def run_long_step() -> None:
    """Run one long job."""
    steps.run_next(queues.LONG)


@queues.short_task(name=beat.SWEEP)
def sweep() -> None:
    """Take back the jobs of dead workers, and nudge for what waits."""
    jobs.sweep()
    studies.heed_failures()


@queues.short_task(name=beat.PRUNE)
def prune() -> None:
    """Forget what was done long ago."""
    jobs.prune()
    events.prune()
    idempotency.prune()
    notifications.prune()
    messaging.prune()
    changes.prune()
    webhooks.prune()
    ehr.prune()
    hl7_sending.prune()


@queues.short_task(name=beat.WATCH_SENDERS)
def watch_senders() -> None:
    """Tell of senders that have fallen silent."""
    silence.watch()


@queues.short_task(name=beat.FILE_AUDIT)
def file_audit() -> None:
    """Put the audit events that had to wait on disk into their table."""
    audit_spool.drain()


@queues.short_task(name=queues.FOLLOW_UP_EMERGENCIES)
def follow_up_emergencies() -> None:
    """Tell of records that were opened in an emergency and of sealed accounts, and close what is over."""
    sealed.follow_up()
    emergencies.follow_up()


@queues.long_task(name=beat.FORWARD_AUDIT)
def forward_audit() -> None:
    """Give the audit's receivers what they have not had."""
    audit_forwarding.forward()


@queues.long_task(name=beat.REVIEW_ACCESS)
def review_access() -> None:
    """Look into the days that nobody has looked into yet."""
    audit_reviews.review_days()


@queues.short_task(name=beat.OFFER_HL7)
def offer_hl7() -> None:
    """Queue what HL7 receivers are owed."""
    hl7_sending.offer()


@queues.short_task(name=beat.OFFER_WEBHOOKS)
def offer_webhooks() -> None:
    """Tell receivers what they have not taken yet, once they need not wait any longer."""
    webhooks.offer()


@queues.short_task(name=beat.EXPIRE_UPLOADS)
def expire_uploads() -> None:
    """Forget the uploads that nobody went on with for a day."""
    uploads.expire()


@queues.short_task(name=beat.LET_GO_OF_PACKAGES)
def let_go_of_packages() -> None:
    """Take away the copies of patients' data that are kept no longer."""
    packages.let_go()


@queues.short_task(name=beat.SEND_NOTICES)
def send_notices() -> None:
    """Send the mails about notifications that are owed."""
    mailing.send_due()


@queues.short_task(name=queues.SEND_MESSAGES)
def send_messages() -> None:
    """Send the links and codes that are owed to people outside."""
    messages.send_due()


@queues.short_task(name=beat.REMIND_OF_QUARANTINE)
def remind_of_quarantine() -> None:
    """Tell those who decide what has waited for too long."""
    reminders.remind()


@queues.short_task(name=beat.RESUME_RELEASES)
def resume_releases() -> None:
    """Go on with releases whose process died."""
    releasing.resume()


@queues.short_task(name=beat.TEND_ACCESS)
def tend_access() -> None:
    """Remind of access requests, close what nobody answers, warn before the end, note the end."""
    tending.tend()


@queues.short_task(name=beat.TEND_SHARES)
def tend_shares() -> None:
    """Tell who shares of the end, and of what is not shown any more; end visits that are over."""
    sharing.tend()


@queues.short_task(name=beat.OFFER_TRANSFERS)
def offer_transfers() -> None:
    """Go on with what is sent to partner archives, once it need not wait any longer."""
    pushes.offer()


@queues.short_task(name=beat.TEND_CRITICAL)
def tend_critical() -> None:
    """Remind of critical findings that nobody has acknowledged, and pass them on."""
    critical.tend()
