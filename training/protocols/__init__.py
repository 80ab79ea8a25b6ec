"""How networks of several corpora are measured: on new speakers, and on other corpora."""
