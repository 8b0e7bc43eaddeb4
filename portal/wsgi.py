"""The WSGI entry point that the web server loads."""

import os

from django.core.wsgi import get_wsgi_application

from portal.environment import environment
from portal.proxies import ForwardedHeaders
from portal.stalled_bodies import StalledBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = ForwardedHeaders(StalledBodies(get_wsgi_application()), environment.trusted_proxies)
