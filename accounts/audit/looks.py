"""Who looked at which patients on a day, and what those people usually do: questions over the audit table, a few per day."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Final

from django.db import connection

from accounts.audit.dicom_codes import CODES, EXPORT, INSTANCES_ACCESSED, INSTANCES_TRANSFERRED
from accounts.audit.snooping import Habit, Look, PatientKey

#: What shows a patient's record to somebody. What a page fetches ahead is not yet a look.
LOOKING: Final = tuple(
    action.value
    for action, told in CODES.items()
    if told.action == "R"
    and told.event in {INSTANCES_ACCESSED, INSTANCES_TRANSFERRED, EXPORT}
    and action.value != "study.prefetched"
)
HISTORY: Final = dt.timedelta(days=60)

_LOOKS: Final = """
    SELECT actor_id, max(actor_name), patient_id, issuer_of_patient_id, min(at), max(at), count(*),
        array_agg(DISTINCT extract(hour FROM at AT TIME ZONE %s)::int)
    FROM accounts_auditevent
    WHERE at >= %s AND at < %s AND actor_kind = 'user' AND outcome = 'success' AND patient_id <> '' AND action = ANY(%s)
    GROUP BY actor_id, patient_id, issuer_of_patient_id
    ORDER BY actor_id, patient_id, issuer_of_patient_id
"""
_HOURS: Final = """
    SELECT actor_id, extract(hour FROM at AT TIME ZONE %s)::int, count(*)
    FROM accounts_auditevent
    WHERE at >= %s AND at < %s AND actor_kind = 'user' AND actor_id = ANY(%s) AND action = ANY(%s)
    GROUP BY 1, 2
"""
_PATIENTS: Final = """
    SELECT actor_id, count(DISTINCT (patient_id, issuer_of_patient_id))
    FROM accounts_auditevent
    WHERE at >= %s AND at < %s AND actor_kind = 'user' AND actor_id = ANY(%s) AND patient_id <> '' AND action = ANY(%s)
    GROUP BY actor_id, (at AT TIME ZONE %s)::date
"""


def looks_of_day(day: dt.date, *, zone: dt.tzinfo) -> Iterator[Look]:
    """Yield every person's look at every patient on a day of that zone, a person at a time."""
    since, until = bounds(day, zone)
    with connection.cursor() as cursor:
        cursor.execute(_LOOKS, [str(zone), since, until, list(LOOKING)])
        for actor_id, name, patient_id, issuer, first, last, events, hours in cursor.fetchall():
            patient = PatientKey(patient_id, issuer)
            yield Look(actor_id, name, patient, first, last, events, frozenset(hours))


def habits_before(day: dt.date, actor_ids: Collection[str], *, zone: dt.tzinfo) -> dict[str, Habit]:
    """Return what these people usually did in the two months before a day."""
    until, _end = bounds(day, zone)
    since, people, looking = until - HISTORY, list(actor_ids), list(LOOKING)
    hours: dict[str, dict[int, int]] = defaultdict(dict)
    patients: dict[str, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, [str(zone), since, until, people, looking])
        for actor_id, hour, count in cursor.fetchall():
            hours[actor_id][hour] = count
        cursor.execute(_PATIENTS, [since, until, people, looking, str(zone)])
        for actor_id, count in cursor.fetchall():
            patients[actor_id].append(count)
    return {actor: Habit(tuple(patients[actor]), hours[actor]) for actor in people}


def bounds(day: dt.date, zone: dt.tzinfo) -> tuple[dt.datetime, dt.datetime]:
    """Return when a day begins and ends."""
    midnight = dt.time.min
    return dt.datetime.combine(day, midnight, zone), dt.datetime.combine(day + dt.timedelta(days=1), midnight, zone)
