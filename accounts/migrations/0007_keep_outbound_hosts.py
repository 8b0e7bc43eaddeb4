"""Outbound hosts belong to accounts: the rows that a hospital has written go along, before their old table is dropped."""

from django.db import migrations

COLUMNS = "host, port, purpose, networks, certificates, is_active, changed_at"


class Migration(migrations.Migration):
    """Between the new table (accounts 0005) and the end of the old one (imaging 0007)."""

    dependencies = [
        ("accounts", "0006_audit_order_and_departments"),
        ("imaging", "0006_leaving"),
    ]
    run_before = [("imaging", "0007_access_and_labels")]

    operations = [
        migrations.RunSQL(
            f"INSERT INTO accounts_outboundhost ({COLUMNS}) SELECT {COLUMNS} FROM imaging_outboundhost ORDER BY id",
            f"INSERT INTO imaging_outboundhost ({COLUMNS}) SELECT {COLUMNS} FROM accounts_outboundhost ORDER BY id",
        ),
    ]
