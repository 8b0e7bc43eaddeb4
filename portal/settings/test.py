"""Settings of the tests: the real ones, with cheap passwords and nothing compressed. `tests/servers.py` names the servers."""

from portal.settings import *
from portal.settings import STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
STUDY_QUIET_SECONDS = 1
JOB_LEASE_SECONDS = 3
