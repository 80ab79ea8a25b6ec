"""What the command line asks for and shows: options, the device, progress, curves."""
