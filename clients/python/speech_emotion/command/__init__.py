"""The parts of the command `emotion`: its options, its subcommands, its output."""
