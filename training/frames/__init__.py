"""The frame network: what it is fitted to, how it is augmented, fitted and built."""
