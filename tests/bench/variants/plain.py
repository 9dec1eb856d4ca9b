"""A plain service of a careful user: Django, boto3 clients made once, messages verified, writes conditional.

No rejections, no revisions, no retries of its own: a second delivery finds the item and changes nothing.
"""

import json
from base64 import b64decode
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import boto3
import requests
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from invoice_parser import parse
from tests.bench.variants import project
from tests.bench.variants.invoices import DESTINATION_BUCKET, TABLE, csv_key, csv_line

project.configure(__name__)

SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")

s3: Any = boto3.client("s3")
dynamodb: Any = boto3.client("dynamodb")


@csrf_exempt
def sns(request: HttpRequest) -> HttpResponse:
    """Verify the notification and store the invoice that it tells of."""
    message = json.loads(request.body)
    try:
        verify(message)
    except InvalidSignature:
        return HttpResponse("signature", status=403)
    event = json.loads(message["Message"])["Records"][0]["s3"]
    source = s3.get_object(Bucket=event["bucket"]["name"], Key=unquote_plus(event["object"]["key"]))
    text = source["Body"].read()
    invoice = parse(text)
    try:
        dynamodb.put_item(
            TableName=TABLE,
            Item={
                "customer_id": {"S": invoice.customer_id},
                "invoice_id": {"S": invoice.invoice_id},
                "text": {"S": text.decode()},
                "row": {"S": csv_line(invoice)},
            },
            ConditionExpression="attribute_not_exists(customer_id)",
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise
    s3.put_object(Bucket=DESTINATION_BUCKET, Key=csv_key(invoice), Body=csv_line(invoice).encode())
    return HttpResponse("done")


def verify(message: dict[str, str]) -> None:
    """Raise InvalidSignature unless SNS's key signed the message."""
    signed = "".join(f"{name}\n{message[name]}\n" for name in SIGNED if name in message)
    key = public_key(message["SigningCertURL"])
    key.verify(b64decode(message["Signature"]), signed.encode(), PKCS1v15(), SHA256())


@cache
def public_key(url: str) -> RSAPublicKey:
    """Return the key of the certificate."""
    answer = requests.get(url, timeout=3)
    key = load_pem_x509_certificate(answer.content).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


urlpatterns = [path("sns", sns)]
application = get_wsgi_application()
