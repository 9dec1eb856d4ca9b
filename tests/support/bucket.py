"""A destination bucket in memory: what S3 promises of it, and no more."""

from collections.abc import Iterator


class MemoryBucket:
    """Lists keys in order, strongly consistent, and counts what is read."""

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = dict(objects or {})
        self.listed: list[str] = []
        self.got: list[str] = []

    def list_keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        self.listed.append(start_after)
        yield from sorted(key for key in self.objects if key.startswith(prefix) and key > start_after)

    def get(self, key: str) -> bytes:
        self.got.append(key)
        return self.objects[key]
