"""Taking studies out of the archive: which objects, under which names, as a zip or a folder with the index of a disc."""
