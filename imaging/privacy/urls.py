"""Addresses of the privacy desk. No patient's number or name is ever in one."""

from django.urls import path

from imaging.privacy.breaches import views as breaches
from imaging.privacy.desk import views as desk
from imaging.privacy.erasing import views as erasing
from imaging.privacy.looking import views as looking
from imaging.privacy.packages import views as packages
from imaging.privacy.requests import views as requests
from imaging.privacy.restricting import views as restricting
from imaging.privacy.reviews import views as reviews

app_name = "privacy"

urlpatterns = [
    path("", desk.home, name="home"),
    path("find", looking.find, name="find"),
    path("patients/<int:pk>/", looking.patient, name="patient"),
    path("patients/<int:pk>/table", looking.table, name="patient-table"),
    path("patients/<int:pk>/letter", looking.make_letter, name="letter-make"),
    path("patients/<int:pk>/requests", requests.new_of_patient, name="request-new"),
    path("patients/<int:pk>/choices/", requests.choices, name="choices"),
    path("patients/<int:pk>/choices/record", requests.record_choice, name="choice-record"),
    path("choices/<int:pk>/withdraw", requests.withdraw_choice, name="choice-withdraw"),
    path("letters/<int:pk>/", looking.letter, name="letter"),
    path("requests/", requests.register, name="requests"),
    path("requests/staff", requests.new_of_account, name="request-staff"),
    path("requests/<int:pk>/", requests.detail, name="request"),
    path("requests/<int:pk>/close", requests.close, name="request-close"),
    path("requests/<int:pk>/extend", requests.extend, name="request-extend"),
    path("requests/<int:pk>/correction", requests.ask_for_correction, name="correction-ask"),
    path("requests/<int:pk>/restrict", restricting.restrict, name="restrict"),
    path("requests/<int:pk>/package", packages.ask, name="package-ask"),
    path("requests/<int:pk>/erase", erasing.erase, name="erase"),
    path("packages/<uuid:key>/", packages.progress, name="package"),
    path("packages/<uuid:key>/cancel", packages.cancel, name="package-cancel"),
    path("packages/<uuid:key>/download", packages.download, name="package-download"),
    path("corrections/", requests.corrections, name="corrections"),
    path("corrections/<int:pk>/decide", requests.decide_correction, name="correction-decide"),
    path("seen/", breaches.seen, name="seen"),
    path("breaches/", breaches.breaches, name="breaches"),
    path("breaches/<int:pk>/", breaches.breach, name="breach"),
    path("breaches/<int:pk>/close", breaches.close, name="breach-close"),
    path("reviews/", reviews.page, name="reviews"),
    path("reviews/<int:pk>/decide", reviews.decide, name="review-decide"),
]
