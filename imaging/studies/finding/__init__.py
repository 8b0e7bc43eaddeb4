"""Finding studies: the list and its pages, filters and counts; one search for every door; the lists that people keep."""
