"""The audit learns three things of every event, and one way to be written.

*Whose number* the patient ID is (its issuer), *for which departments* the actor worked at that moment, and the event's
*number*: the order in which events came to the table, which a reader that must miss none can follow, though events may
come late (the spool) and transactions end in another order than they began.

It is written by one function, in one round trip: a failed insert takes neither the caller's transaction with it nor two
more trips for a savepoint. Reads that are told once per window are looked up and written by a second one.
"""

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

COLUMNS = """
CREATE SEQUENCE accounts_auditevent_number_seq;
ALTER TABLE accounts_auditevent
    ADD COLUMN issuer_of_patient_id text NOT NULL DEFAULT '',
    ADD COLUMN departments text[] NOT NULL DEFAULT '{}',
    ADD COLUMN number bigint NOT NULL DEFAULT nextval('accounts_auditevent_number_seq');
ALTER SEQUENCE accounts_auditevent_number_seq OWNED BY accounts_auditevent.number;

-- Rows lie in nearly this order: a few pages of index serve millions of rows, and cost an insert next to nothing.
CREATE INDEX auditevent_number ON accounts_auditevent USING brin (number)
    WITH (pages_per_range = 32, autosummarize = on);
"""

FUNCTIONS = """
-- Codes of the departments for which a person or machine works at a moment, as memberships and keys say.
CREATE FUNCTION accounts_audit_departments(of_kind text, of_id text, moment timestamptz) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF of_id !~ '^[0-9]{1,18}$' THEN
        RETURN '{}';
    ELSIF of_kind = 'user' THEN
        RETURN coalesce((
            SELECT array_agg(DISTINCT department.code::text ORDER BY department.code::text)
            FROM accounts_membership AS membership
            LEFT JOIN accounts_departmentgroup_departments AS held ON held.departmentgroup_id = membership.group_id
            JOIN accounts_department AS department ON department.id = coalesce(membership.department_id, held.department_id)
            WHERE membership.user_id = of_id::bigint AND membership.valid_from <= moment
                AND (membership.valid_until IS NULL OR membership.valid_until > moment)
                AND department.is_active AND NOT department.is_personal), '{}');
    ELSIF of_kind = 'machine' THEN
        RETURN coalesce((
            SELECT array_agg(department.code::text ORDER BY department.code::text)
            FROM accounts_machinekey_departments AS held
            JOIN accounts_department AS department ON department.id = held.department_id
            WHERE held.machinekey_id = of_id::bigint AND department.is_active AND NOT department.is_personal), '{}');
    END IF;
    RETURN '{}';
END
$$;

-- Inserts events; returns '' or the SQLSTATE of what the table said. An event that is there already stays one event.
CREATE FUNCTION accounts_audit_write(events jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_auditevent (id, at, action, outcome, actor_kind, actor_id, actor_name, address, door,
        request_id, subject_type, subject_uid, patient_id, issuer_of_patient_id, departments, detail)
    SELECT id, at, action, outcome, actor_kind, actor_id, actor_name, address, door, request_id, subject_type,
        subject_uid, patient_id, issuer_of_patient_id,
        coalesce(departments, accounts_audit_departments(actor_kind, actor_id, at)), detail
    FROM jsonb_to_recordset(events) AS event(id uuid, at timestamptz, action text, outcome text, actor_kind text,
        actor_id text, actor_name text, address text, door text, request_id text, subject_type text, subject_uid text,
        patient_id text, issuer_of_patient_id text, departments text[], detail jsonb)
    ON CONFLICT DO NOTHING;
    RETURN '';
EXCEPTION WHEN query_canceled OR OTHERS THEN
    RETURN SQLSTATE;
END
$$;

-- Inserts one event unless the same actor did the same to the same subject since `since`; returns 'known' then.
-- `lock_key` keeps, until the transaction ends, another process from writing the same.
CREATE FUNCTION accounts_audit_write_once(lock_key bigint, since timestamptz, event jsonb) RETURNS text
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    -- The end is known too, and keeps the months to come out of it. As a variable, so that one plan serves every call:
    -- making one for some thirty months takes longer than all the rest.
    soon timestamptz := clock_timestamp() + interval '1 minute';
    uid text := event->>'subject_uid';
BEGIN
    PERFORM pg_advisory_xact_lock(lock_key);
    -- Of the indexes only the subject's is of use: a busy reader has done thousands of other things meanwhile.
    IF uid <> '' THEN
        PERFORM FROM accounts_auditevent
        WHERE subject_uid <> '' AND subject_uid = uid AND subject_type = event->>'subject_type'
            AND at >= since AND at < soon AND actor_id || '' = event->>'actor_id'
            AND actor_kind || '' = event->>'actor_kind' AND action || '' = event->>'action'
        LIMIT 1;
    ELSE
        PERFORM FROM accounts_auditevent
        WHERE actor_id = event->>'actor_id' AND actor_kind = event->>'actor_kind' AND at >= since AND at < soon
            AND action || '' = event->>'action' AND subject_type = event->>'subject_type' AND subject_uid = ''
        LIMIT 1;
    END IF;
    IF FOUND THEN
        RETURN 'known';
    END IF;
    RETURN accounts_audit_write(jsonb_build_array(event));
EXCEPTION WHEN query_canceled OR OTHERS THEN
    RETURN SQLSTATE;
END
$$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION accounts_audit_write_once(bigint, timestamptz, jsonb);
DROP FUNCTION accounts_audit_write(jsonb);
DROP FUNCTION accounts_audit_departments(text, text, timestamptz);
"""

DROP_COLUMNS = """
DROP INDEX auditevent_number;
ALTER TABLE accounts_auditevent DROP COLUMN number, DROP COLUMN departments, DROP COLUMN issuer_of_patient_id;
"""


def let_numbers_be_drawn(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let the application's role draw numbers, and neither set them back nor change the sequence."""
    quote = schema_editor.quote_name
    role = settings.DATABASE_APP_ROLE
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("REVOKE ALL ON SEQUENCE accounts_auditevent_number_seq FROM PUBLIC")
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user", [role])
        if cursor.fetchone():
            cursor.execute(f"REVOKE ALL ON SEQUENCE accounts_auditevent_number_seq FROM {quote(role)}")
            cursor.execute(f"GRANT USAGE, SELECT ON SEQUENCE accounts_auditevent_number_seq TO {quote(role)}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_people_scope_and_audit")]

    operations = [
        migrations.RunSQL(COLUMNS, DROP_COLUMNS),
        migrations.RunPython(let_numbers_be_drawn, migrations.RunPython.noop),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
    ]
