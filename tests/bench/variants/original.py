"""The original's way, written anew from its description: Django, and boto3 resources made once a module.

It believes whoever posts to it (no signature is verified), writes unconditionally and catches nothing, so
it does less than the others. Runs under Django's development server (`python original.py HOST:PORT`) and
under gunicorn (`tests.bench.variants.original`).
"""

import json
import sys
from typing import Any
from urllib.parse import unquote_plus

import boto3
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from invoice_parser import parse
from tests.bench.variants import project
from tests.bench.variants.invoices import DESTINATION_BUCKET, TABLE, csv_key, csv_line

project.configure(__name__)

s3: Any = boto3.resource("s3")
dynamodb: Any = boto3.resource("dynamodb")


@csrf_exempt
def sns(request: HttpRequest) -> HttpResponse:
    """Store the invoice that the notification tells of."""
    message = json.loads(request.body)
    event = json.loads(message["Message"])["Records"][0]["s3"]
    source = s3.Object(event["bucket"]["name"], unquote_plus(event["object"]["key"]))
    text = source.get()["Body"].read()
    invoice = parse(text)
    dynamodb.Table(TABLE).put_item(
        Item={
            "customer_id": invoice.customer_id,
            "invoice_id": invoice.invoice_id,
            "text": text.decode(),
        }
    )
    s3.Bucket(DESTINATION_BUCKET).put_object(Key=csv_key(invoice), Body=csv_line(invoice).encode())
    return HttpResponse("done")


urlpatterns = [path("sns", sns)]
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(["manage.py", "runserver", "--noreload", sys.argv[1]])
