"""A corpus of one's own: a table of clips, or a folder for each emotion."""
