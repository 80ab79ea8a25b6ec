"""Corpora of emotional speech.

To add a corpus, add one module to this folder. It defines a class with the attributes and methods
of `training.corpora.reader.Reader`, and lists its instances in `CORPORA`. `ravdess.py` is an
example. `python -m training COMMAND --corpus KEY` then reads it.
"""
