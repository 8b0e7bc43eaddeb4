"""What whoever holds a link to a record may do about it, below that link."""

from django.urls import path

from imaging.sharing.record import holders

urlpatterns = [
    path("record/sign-out", holders.sign_out, name="record-sign-out"),
    path("record/close", holders.close, name="record-close"),
    path("record/end-proxy", holders.end_proxy, name="record-end-proxy"),
]
