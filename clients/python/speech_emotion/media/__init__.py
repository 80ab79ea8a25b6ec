"""Formats that libsndfile does not read: those of phones and browsers, by PyAV or ffmpeg."""
