"""What runs beside the requests: Celery and mail, and how machines are answered."""

from imaging.pipeline.beat import SCHEDULE
from portal.environment import environment

# The job table is the truth and Celery only executes (DESIGN 4.5): losing a message costs a sweep, never work.
CELERY_BROKER_URL = environment.broker_url
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_TASK_DEFAULT_QUEUE = "short"
CELERY_TASK_ROUTES = ("imaging.queues.route",)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_keepalive": True}
CELERY_BEAT_SCHEDULE_FILENAME = str(environment.data_dir / "run" / "celerybeat-schedule")

EMAIL_BACKEND = environment.mail.backend
EMAIL_FILE_PATH = environment.mail.file_path
EMAIL_HOST = environment.mail.host
EMAIL_PORT = environment.mail.port
EMAIL_HOST_USER = environment.mail.user
EMAIL_HOST_PASSWORD = environment.mail.password
EMAIL_USE_TLS = environment.mail.use_tls
EMAIL_USE_SSL = environment.mail.use_ssl
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.mail.sender

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.PortalAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "imaging.api.errors.of_exception",
    "DEFAULT_SCHEMA_CLASS": "imaging.api.schema.ResourceSchema",
}
# Requests of one person or machine in a minute; who asks more often is told when there is room again.
API_READS_PER_MINUTE = environment.api_reads_per_minute
API_WRITES_PER_MINUTE = environment.api_writes_per_minute
SPECTACULAR_SETTINGS = {
    "TITLE": "Negatoscope",
    "DESCRIPTION": "The hospital's imaging archive for other programs: what a person sees, a program sees by the same rules. "
    "Examples, sign-in, paging, repetition and rates: docs/api.md.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["imaging.api.schema.only_resources"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "imaging.api.schema.complete",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "PATH_CONVERTER_OVERRIDES": {
        "apiuid": {"type": "string", "pattern": "^[0-9.]{1,64}$"},
        "key": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    },
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}
