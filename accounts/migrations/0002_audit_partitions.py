"""The audit table: partitioned by month, and append-only for everybody.

Row triggers refuse a change of any row, statement triggers one of no row, and the application's role
has neither the privileges nor, as it does not own the table, a way to switch the triggers off. The
owner meets the same triggers, and would have to drop them first.
"""

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

TABLE = """
CREATE TABLE accounts_auditevent (
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    address text NOT NULL,
    door text NOT NULL,
    request_id text NOT NULL,
    subject_type text NOT NULL,
    subject_uid text NOT NULL,
    patient_id text NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);

CREATE INDEX auditevent_at ON accounts_auditevent (at DESC);
CREATE INDEX auditevent_actor ON accounts_auditevent (actor_id, actor_kind, at DESC);
CREATE INDEX auditevent_action ON accounts_auditevent (action, at DESC);
CREATE INDEX auditevent_patient ON accounts_auditevent (patient_id, at DESC) WHERE patient_id <> '';
CREATE INDEX auditevent_subject ON accounts_auditevent (subject_uid, subject_type, at DESC)
    WHERE subject_uid <> '';

CREATE FUNCTION accounts_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- PostgreSQL copies this one to every partition, those to come included.
CREATE TRIGGER auditevent_append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_refuse();

-- Statement triggers and privileges are not inherited: this gives them to one table or partition.
CREATE FUNCTION accounts_audit_protect(relation regclass, app_role text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER auditevent_refused BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_refuse()', relation);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', relation);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = app_role AND app_role <> current_user) THEN
        EXECUTE format('REVOKE ALL ON %s FROM %I', relation, app_role);
        EXECUTE format('GRANT SELECT, INSERT ON %s TO %I', relation, app_role);
    END IF;
END
$$;

-- Adds the partition of the month that holds `day` (UTC); returns whether it was missing.
CREATE FUNCTION accounts_audit_add_month(day date, app_role text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    month timestamptz := date_trunc('month', day::timestamp) AT TIME ZONE 'UTC';
    next_month timestamptz := (date_trunc('month', day::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    partition_name text := 'accounts_auditevent_' || to_char(day, 'YYYY_MM');
BEGIN
    IF to_regclass(partition_name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF accounts_auditevent FOR VALUES FROM (%L) TO (%L)',
        partition_name, month, next_month);
    PERFORM accounts_audit_protect(partition_name::regclass, app_role);
    RETURN true;
END
$$;

-- An event whose month has no partition is kept all the same.
CREATE TABLE accounts_auditevent_default PARTITION OF accounts_auditevent DEFAULT;
"""

DROP = """
DROP TABLE accounts_auditevent;
DROP FUNCTION accounts_audit_add_month(date, text);
DROP FUNCTION accounts_audit_protect(regclass, text);
DROP FUNCTION accounts_audit_refuse();
"""

MONTHS = 25  # the current one and two years


def protect_and_add_months(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Take the application's role every privilege but reading and adding, and add the first months."""
    app_role = settings.DATABASE_APP_ROLE
    with schema_editor.connection.cursor() as cursor:
        for table in ("accounts_auditevent", "accounts_auditevent_default"):
            cursor.execute("SELECT accounts_audit_protect(%s::regclass, %s)", [table, app_role])
        cursor.execute(
            "SELECT accounts_audit_add_month("
            "  (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n))::date, %s)"
            " FROM generate_series(0, %s - 1) AS n",
            [app_role, MONTHS],
        )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(TABLE, DROP),
        migrations.RunPython(protect_and_add_months, migrations.RunPython.noop),
    ]
