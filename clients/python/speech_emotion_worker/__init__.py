"""The process that runs the server's extractor, with limited rights: `-m speech_emotion_worker`."""
