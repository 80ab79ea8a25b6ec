"""Errors that users can correct."""


class UserError(Exception):
    """The message is all that a user of the command line sees."""
