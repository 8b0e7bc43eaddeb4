"""Photographs, films, documents and videos that people hand in, made ready for wrapping by the decoder pool."""
