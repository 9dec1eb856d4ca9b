"""Go back to what was deployed before."""

from typing import Any

from api.management.deploying import DeployCommand
from api.management.operator import now


class Command(DeployCommand):
    """`manage.py rollback`."""

    help = "Deploy the release, template and parameters of the deployment before. Shows the changes and asks."

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Propose, carry out."""
        self.run(options, lambda deployer: deployer.roll_back(now()))
