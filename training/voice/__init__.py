"""What networks learn of a voice beside the MFCCs: prosody, and the speaker's earlier clips."""
