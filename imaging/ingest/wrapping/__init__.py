"""Photographs, films, documents and videos into the archive, as series of a study that a person has picked."""
