"""The WSGI entry point that the web server loads."""

import os

from django.core.wsgi import get_wsgi_application

from portal.environment import environment
from portal.proxies import ForwardedHeaders
from portal.stalled_bodies import StalledBodies
from portal.unread_answers import end_unread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = ForwardedHeaders(StalledBodies(get_wsgi_application()), environment.trusted_proxies)

if environment.serving:
    end_unread(environment.portal_port)
