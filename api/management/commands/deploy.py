"""Deploy to AWS."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from api.management.deploying import DeployCommand
from api.management.operator import now
from infra.deploy.release import ReleaseFailed, build

# Option -> parameter of infra/template.yaml. What is not given stays as it is, or as the template says.
PARAMETERS = {
    "size": "Size",
    "ledger": "Ledger",
    "protocol": "EndpointProtocol",
    "domain": "DomainName",
    "zone": "HostedZoneId",
    "image": "ImageName",
    "instance_type": "InstanceType",
    "min_instances": "MinInstances",
    "max_instances": "MaxInstances",
    "database_class": "DatabaseClass",
    "alarm_email": "AlarmEmail",
    "rejection_email": "RejectionEmail",
    "scan_limit_bytes": "ScanLimitBytes",
    "keep_texts_days": "KeepTextsDays",
    "log_retention_days": "LogRetentionDays",
}


class Command(DeployCommand):
    """`manage.py deploy`."""

    help = "Make or update the stack with the release of this checkout. Shows the changes and asks first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the template's parameters; infra/template.yaml says what each is."""
        super().add_arguments(parser)
        for option, parameter in PARAMETERS.items():
            parser.add_argument(f"--{option.replace('_', '-')}", help=f"{parameter} of infra/template.yaml")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Build, upload, propose, carry out."""
        given = {parameter: options[o] for o, parameter in PARAMETERS.items() if options[o] is not None}
        try:
            self.stdout.write("building the release ...")
            release = build()
        except ReleaseFailed as error:
            raise CommandError(str(error)) from error
        if release.version.endswith("-dirty"):
            raise CommandError("the checkout has changes that no commit has; commit them first")
        self.run(options, lambda deployer: deployer.deploy(release, given, now()))
