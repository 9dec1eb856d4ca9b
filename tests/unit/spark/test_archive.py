"""Manifests and inventories as S3 writes them."""

import gzip
import io
import json
from typing import Any

import pytest

from api.s3_event import ObjectRef
from infra.spark.archive import BadManifest, Inventory, inventory_rows, listed_rows, parse_manifest

COLUMNS = (
    "Bucket",
    "Key",
    "VersionId",
    "IsLatest",
    "IsDeleteMarker",
    "Size",
    "LastModifiedDate",
    "ETag",
    "StorageClass",
)
MANIFEST: dict[str, Any] = {
    "sourceBucket": "old",
    "destinationBucket": "arn:aws:s3:::inventories",
    "version": "2016-11-30",
    "creationTimestamp": "1514944800000",
    "fileFormat": "CSV",
    "fileSchema": ", ".join(COLUMNS),
    "files": [
        {"key": "old/all/data/1.csv.gz", "size": 2147, "MD5checksum": "f11166069f1990abeb9c97ace9cdfabc"},
        {"key": "old/all/data/2.csv.gz", "size": 2148, "MD5checksum": "e11166069f1990abeb9c97ace9cdfabc"},
    ],
}


def rows_of(text: str) -> list[tuple[str, str, str, int, str]]:
    return list(inventory_rows(io.BytesIO(gzip.compress(text.encode())), COLUMNS))


class TestParseManifest:
    def test_returns_where_the_files_are(self) -> None:
        found = parse_manifest(json.dumps(MANIFEST).encode())

        assert found == Inventory(
            bucket="old",
            files_bucket="inventories",
            files=("old/all/data/1.csv.gz", "old/all/data/2.csv.gz"),
            columns=COLUMNS,
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"fileFormat": "Parquet"}, "the inventory is in Parquet; make one in CSV"),
            ({"fileSchema": "Bucket, Key, Size"}, "the inventory has no VersionId, IsLatest"),
            ({"files": None}, "this is no manifest.json"),
            ({"fileSchema": 1}, "this is no manifest.json"),
        ],
    )
    def test_refuses_what_it_could_not_import(self, change: dict[str, object], message: str) -> None:
        with pytest.raises(BadManifest, match=message):
            parse_manifest(json.dumps(MANIFEST | change).encode())

    @pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b"null"])
    def test_refuses_what_is_no_manifest(self, text: bytes) -> None:
        with pytest.raises(BadManifest):
            parse_manifest(text)


class TestInventoryRows:
    def test_decodes_keys_as_forms_encode_them(self) -> None:
        found = rows_of(
            '"old","2019/a+b%2Bc%25.txt","v1","true","false","120","2019-03-01T10:00:00.000Z","abc","STANDARD"\n'
            '"old","%C3%BC%2C%22x%22%0A.txt","v2","true","false","7","2019-03-01T10:00:00.000Z","def","STANDARD"\n'
        )

        assert found == [
            ("2019/a b+c%.txt", "v1", "abc", 120, "2019-03-01T10:00:00.000Z true"),
            ('ü,"x"\n.txt', "v2", "def", 7, "2019-03-01T10:00:00.000Z true"),
        ]

    def test_leaves_delete_markers_out(self) -> None:
        found = rows_of('"old","a.txt","v1","true","true","","2019-03-01T10:00:00.000Z","","STANDARD"\n')

        assert found == []

    def test_names_no_version_where_there_are_none(self) -> None:
        line = '"old","a.txt","{}","true","false","1","2019-03-01T10:00:00.000Z","abc","STANDARD"\n'

        assert [row[1] for row in rows_of(line.format("null") + line.format(""))] == ["", ""]

    def test_sorts_the_latest_of_two_versions_in_a_second_last(self) -> None:
        line = '"old","a.txt","{}","{}","false","1","2019-03-01T10:00:00.000Z","abc","STANDARD"\n'

        found = sorted(
            rows_of(line.format("v2", "true") + line.format("v1", "false")), key=lambda row: row[4]
        )

        assert [row[1] for row in found] == ["v1", "v2"]

    def test_takes_no_torn_file_for_a_whole_one(self) -> None:
        whole = gzip.compress(
            b'"old","a.txt","v1","true","false","1","2019-03-01T10:00:00.000Z","a","S"\n' * 99
        )

        with pytest.raises(EOFError):
            list(inventory_rows(io.BytesIO(whole[:-9]), COLUMNS))


class TestListedRows:
    def test_keeps_the_order(self) -> None:
        refs = [ObjectRef(bucket="old", key="a", version_id=name, etag="e", size_bytes=1) for name in "yxz"]

        found = sorted(listed_rows(refs), key=lambda row: row[4], reverse=True)

        assert [row[1] for row in found] == ["z", "x", "y"]
