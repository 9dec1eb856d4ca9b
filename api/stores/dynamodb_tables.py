"""The one door to every call on the two tables in DynamoDB."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from api.aws import translate
from api.ports import TemporaryFailure
from api.stores.dynamodb_values import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# botocore retries throttled calls, but knows nothing of a transaction's reasons. Five tries with
# these waits take half a second on average, beside the calls themselves.
_ATTEMPTS = 5
_FIRST_WAIT_SECONDS = 0.06
_PASSING_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_FAILED = "ConditionalCheckFailed"
_MAX_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Calls DynamoDB. Every method raises TemporaryFailure; reads of tables are consistent."""

    client: "DynamoDBClient"
    document_table: str
    invoice_table: str
    sleep: Callable[[float], None] = time.sleep

    def get(self, table: str, key: Item) -> Item | None:
        """Return the item, or None."""
        with translate("dynamodb", "GetItem"):
            return self.client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")

    def batch_get(self, table: str, keys: Sequence[Item], **projection: Any) -> Iterator[Item]:  # noqa: ANN401 - boto3's own arguments
        """Yield those of the items that exist, in no order; the keys must differ."""
        for start in range(0, len(keys), _MAX_BATCH):
            asked: Any = {
                table: {"Keys": keys[start : start + _MAX_BATCH], "ConsistentRead": True, **projection}
            }
            for attempt in range(_ATTEMPTS):
                with translate("dynamodb", "BatchGetItem"):
                    answer = self.client.batch_get_item(RequestItems=asked)
                yield from answer["Responses"].get(table, ())
                # Past 16 MB, or when throttled, DynamoDB leaves some for another call.
                asked = answer.get("UnprocessedKeys")
                if not asked:
                    break
                if not answer["Responses"].get(table):
                    self._wait(attempt)
            else:
                raise TemporaryFailure("dynamodb", "BatchGetItem", "UnprocessedKeys")

    def query(self, table: str, **arguments: Any) -> Iterator[Item]:  # noqa: ANN401 - the same
        """Yield the items of every page; an index cannot be read consistently."""
        arguments.setdefault("ConsistentRead", "IndexName" not in arguments)
        return self._pages("Query", self.client.query, TableName=table, **arguments)

    def scan(self, table: str) -> Iterator[Item]:
        """Yield every item of the table."""
        return self._pages("Scan", self.client.scan, TableName=table, ConsistentRead=True)

    def whole(self, table: str) -> list[Item] | None:
        """Return every item of a table that one page (1 MB) holds, None of a larger one."""
        with translate("dynamodb", "Scan"):
            answer = self.client.scan(TableName=table, ConsistentRead=True)
        return None if "LastEvaluatedKey" in answer else answer["Items"]

    def count(self, table: str, **arguments: Any) -> int:  # noqa: ANN401 - the same
        """Return how many items one page of the query has."""
        with translate("dynamodb", "Query"):
            return self.client.query(TableName=table, Select="COUNT", **arguments)["Count"]

    def put(self, table: str, item: Item, **condition: Any) -> bool:  # noqa: ANN401 - the same
        """Put the item; False if the condition fails."""
        return self._write("PutItem", self.client.put_item, TableName=table, Item=item, **condition)

    def update(self, table: str, key: Item, **arguments: Any) -> bool:  # noqa: ANN401 - the same
        """Update the item; False if the condition fails."""
        return self._write("UpdateItem", self.client.update_item, TableName=table, Key=key, **arguments)

    def delete(self, table: str, key: Item, **condition: Any) -> bool:  # noqa: ANN401 - the same
        """Delete the item; False if the condition fails."""
        return self._write("DeleteItem", self.client.delete_item, TableName=table, Key=key, **condition)

    def transact(self, operations: Sequence[Any]) -> list[Item | None] | None:
        """Do all or nothing; None when it is done.

        When a condition failed, the answer has for each operation whose condition did an item:
        the one that is there, empty if there is none; and None for the others.
        """
        code = ""
        for attempt in range(_ATTEMPTS):
            reasons = self._try_transaction(operations)
            if reasons is None:
                return None
            codes = [reason.get("Code", "None") for reason in reasons]
            if _FAILED in codes:
                return [
                    reason.get("Item", {}) if code == _FAILED else None
                    for reason, code in zip(reasons, codes, strict=True)
                ]
            code = next(code for code in codes if code != "None")
            self._wait(attempt)
        raise TemporaryFailure("dynamodb", "TransactWriteItems", code)

    def _try_transaction(self, operations: Sequence[Any]) -> list[Any] | None:
        with translate("dynamodb", "TransactWriteItems"):
            try:
                self.client.transact_write_items(TransactItems=operations)
            except ClientError as error:
                reasons: list[Any] = list(error.response.get("CancellationReasons", ()))
                codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
                # A reason that is neither of both is a fault of ours: an item too large, say.
                if codes and codes <= _PASSING_REASONS | {_FAILED}:
                    return reasons
                raise
        return None

    def _write(self, operation: str, call: Callable[..., object], **arguments: object) -> bool:
        with translate("dynamodb", operation):
            try:
                call(**arguments)
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _pages(self, operation: str, call: Callable[..., Any], **arguments: object) -> Iterator[Item]:
        while True:
            with translate("dynamodb", operation):
                answer = call(**arguments)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _wait(self, attempt: int) -> None:
        # Full jitter: those who met once shall not meet again.
        self.sleep(random.uniform(0, _FIRST_WAIT_SECONDS * 2**attempt))  # noqa: S311 - no secret
