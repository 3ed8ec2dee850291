"""Who says a command: no session and no fhirUser, so what the operating system knows."""

import getpass
import os


def account() -> str:
    """The name of the account; its number where it has none, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return f"uid {os.getuid()}"
