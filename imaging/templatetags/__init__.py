"""Template tags: the front end's built files, icons, and how people and dates are written."""
