"""Settings, in the order a reader asks: what is installed, where data lies, what is forbidden, what runs beside."""

from portal.settings.base import *
from portal.settings.data import *
from portal.settings.security import *
from portal.settings.background import *  # isort: skip
