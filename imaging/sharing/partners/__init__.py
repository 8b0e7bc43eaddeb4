"""Pushing images to the archives of partners: asked for, sent object by object, watched, stopped, tried again."""
