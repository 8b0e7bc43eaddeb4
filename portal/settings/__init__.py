"""Settings, in the order a reader asks: what is installed, where data lies, what is forbidden, what runs beside."""

from portal.settings.base import *  # noqa: F403
from portal.settings.data import *  # noqa: F403
from portal.settings.security import *  # noqa: F403
from portal.settings.background import *  # noqa: F403  # isort: skip
