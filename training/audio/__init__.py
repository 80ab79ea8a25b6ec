"""Audio processing for training: effects on waveforms, and augmentation of mel spectra."""
