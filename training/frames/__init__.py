"""Networks over the MFCC frames of a clip, its prosody and a baseline of the speaker."""
