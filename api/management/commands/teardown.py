"""Delete the stack."""

from typing import Any

from api.management.deploying import DeployCommand
from infra.deploy.deployment import Deployer


class Command(DeployCommand):
    """`manage.py teardown`."""

    help = "Delete the stack. Lists what holds data and stays, and how to remove it. Asks first."

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """List, ask, delete."""
        self.run(options, Deployer.tear_down)
