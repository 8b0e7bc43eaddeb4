"""Index of the packages' admin pages, and the pages that mix several of them."""

from django.contrib import admin

from accounts.admin_site import PortalAdminSite
from accounts.models import Department
from imaging.access.emergency import admin as emergency
from imaging.access.requests import admin as access_requests
from imaging.admin import application_entities, compliance, integration, partners, protections, work
from imaging.admin.dashboard import dashboard
from imaging.ehr import admin as ehr
from imaging.ehr.records import admin as health_records
from imaging.ehr.sending import admin as hl7_receivers
from imaging.events import admin as events
from imaging.ingest import admin as ingest
from imaging.integrity import admin as integrity
from imaging.orders.catalogue import admin as catalogue
from imaging.orders.scheduling import admin as rooms
from imaging.privacy import admin as privacy
from imaging.reports.reading import admin as reading
from imaging.reports.templates import admin as report_templates
from imaging.sharing import admin as sharing
from imaging.sharing.record import admin as records
from imaging.storage import admin as storage
from imaging.studies import admin as studies
from imaging.webhooks import admin as webhooks

__all__ = [
    "access_requests",
    "application_entities",
    "catalogue",
    "compliance",
    "ehr",
    "emergency",
    "events",
    "health_records",
    "hl7_receivers",
    "ingest",
    "integration",
    "integrity",
    "partners",
    "privacy",
    "protections",
    "reading",
    "records",
    "report_templates",
    "rooms",
    "sharing",
    "storage",
    "studies",
    "webhooks",
    "work",
]

if isinstance(admin.site, PortalAdminSite):
    admin.site.add_to_index(dashboard)
    admin.site.add_inline(Department, application_entities.DevicesInline)
