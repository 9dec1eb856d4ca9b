#!/usr/bin/env python
"""Run one of docproc's commands; `manage.py help` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from api.ports import TemporaryFailure


def main() -> None:
    """Run the command that the arguments name; what an operator can mend is said in a sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docproc.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")
    except TemporaryFailure as failure:
        sys.exit(f"That did not work now, and may be half done; it is safe to repeat. {failure}")


if __name__ == "__main__":
    main()
