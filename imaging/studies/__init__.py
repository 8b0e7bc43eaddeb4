"""Patient, Study, Series, Instance; who may see them; the one door for reading."""
