"""What deploy, rollback and teardown share: which stack, where, and who agrees."""

import os
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, NoRegionError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from infra.deploy.deployment import Aws, Deployer
from infra.deploy.release import ReleaseFailed
from infra.deploy.stack import DeployFailed


class DeployCommand(BaseCommand):
    """A command for one stack; it runs on an operator's machine, where the service's settings are not."""

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add which stack, where, and whether to ask."""
        parser.add_argument("--name", default="docproc", help="name of the stack (default: docproc)")
        parser.add_argument(
            "--region", help="default: DOCPROC_AWS_REGION, else AWS_REGION, else AWS's own files"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def run(self, options: dict[str, Any], act: Callable[[Deployer], bool]) -> None:
        """Do it, and turn what AWS says into the command's error."""
        is_agreed = options["yes"]
        region, said_by = _region(options["region"])
        try:
            aws = Aws.of(region)
            self.stdout.write(f"stack {options['name']} in {aws.region} ({said_by})")
            deployer = Deployer(
                aws=aws,
                name=options["name"],
                say=self.stdout.write,
                agree=lambda question: is_agreed or _ask(question),
            )
            if act(deployer):
                self.stdout.write("done")
        except NoRegionError as error:
            raise CommandError("no region is set; write --region REGION") from error
        except (DeployFailed, ReleaseFailed, BotoCoreError) as error:
            raise CommandError(str(error)) from error


def _region(option: str | None) -> tuple[str | None, str]:
    """Return the region and who says so; None leaves it to AWS's own files.

    The service's setting comes before AWS's variable: who sets both means the one of the deployment.
    """
    if option:
        return option, "--region"
    for name in ("DOCPROC_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"):
        if value := os.environ.get(name, "").strip():
            return value, name
    return None, "AWS's own files"


def _ask(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:  # nobody is there to agree
        return False
