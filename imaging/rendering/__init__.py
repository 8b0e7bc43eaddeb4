"""How images are drawn: thumbnails, previews, the decoder pool."""
