"""What is kept in mind of rows, and when it is forgotten."""

from django.db.models import signals as model_signals

from accounts.framing import selectors as framing
from accounts.models import FrameOrigin

model_signals.post_save.connect(framing.forget, sender=FrameOrigin)
model_signals.post_delete.connect(framing.forget, sender=FrameOrigin)
