"""Both protocols of several corpora, in text, tables and sections of pages."""
