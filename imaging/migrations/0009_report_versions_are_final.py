"""A signed version of a report is final for everybody, as the ledger and the audit are.

A trigger refuses every change of a version; the application's role has neither the privileges nor, as it does not own the
table, a way to switch the trigger off. The owner meets the same trigger, and would have to drop it first.
"""

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

REFUSE = """
CREATE FUNCTION imaging_report_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a signed report is final: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER reportversion_final BEFORE UPDATE OR DELETE OR TRUNCATE ON imaging_reportversion
    FOR EACH STATEMENT EXECUTE FUNCTION imaging_report_refuse();
REVOKE ALL ON imaging_reportversion FROM PUBLIC;
"""

ALLOW = """
DROP TRIGGER reportversion_final ON imaging_reportversion;
DROP FUNCTION imaging_report_refuse();
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
        cursor.execute(f"REVOKE ALL ON imaging_reportversion FROM {name}")
        cursor.execute(f"GRANT SELECT, INSERT ON imaging_reportversion TO {name}")


class Migration(migrations.Migration):
    dependencies = [("imaging", "0008_requesting_and_reporting")]

    operations = [
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunPython(revoke, migrations.RunPython.noop),
    ]
