"""The Celery application. Tasks come from the packages' `tasks.py`; the periodic table from `imaging.pipeline.beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("negatoscope")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["imaging.pipeline", "imaging.rendering"])
