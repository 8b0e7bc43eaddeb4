"""Headers as DICOM JSON: PS3.18 section 10.4.1.1.7. One stored segment is one read; the version is the tag."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from imaging.dicomweb import answers, negotiation
from imaging.dicomweb.negotiation import MediaRange
from imaging.studies import access
from imaging.studies import metadata as study_metadata
from imaging.studies import selectors as studies
