"""The ledger's leaf queue is append-only for everybody, as the audit is.

Triggers refuse every change; the application's role has neither the privileges nor, as it does not own the table, a way
to switch the triggers off. The owner meets the same triggers, and would have to drop them first.
"""

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

REFUSE = """
CREATE FUNCTION imaging_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER ledgerleaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON imaging_ledgerleaf
    FOR EACH STATEMENT EXECUTE FUNCTION imaging_ledger_refuse();
REVOKE ALL ON imaging_ledgerleaf FROM PUBLIC;
"""

ALLOW = """
DROP TRIGGER ledgerleaf_append_only ON imaging_ledgerleaf;
DROP FUNCTION imaging_ledger_refuse();
"""


def revoke(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Leave the application's role reading and adding only."""
    role = settings.DATABASE_APP_ROLE
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user", [role])
        if cursor.fetchone() is None:
            return
        name = connection.ops.quote_name(role.replace('"', '""'))
        cursor.execute(f"REVOKE ALL ON imaging_ledgerleaf FROM {name}")
        cursor.execute(f"GRANT SELECT, INSERT ON imaging_ledgerleaf TO {name}")


class Migration(migrations.Migration):
    dependencies = [("imaging", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunPython(revoke, migrations.RunPython.noop),
    ]
