"""The extractors of MFCCs, prosody and its statistics for recordings at each sample rate."""
