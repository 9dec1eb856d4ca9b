"""Databases for the SQL ledger: Django's `ledger` at a URL, with docproc's own settings for it."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Self
from urllib.parse import urlsplit

import pymysql
from django.core.management import call_command
from django.db import connections
from django.db.utils import ConnectionHandler

from api import models
from api.stores.router import LEDGER
from docproc.settings import _database

# https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference
NO_SUCH_THREAD = 1094
_numbers = count()


class LedgerDatabases:
    """Points `ledger` at one migrated database or another; each is made once a process."""

    def __init__(self) -> None:
        self._migrated: set[str] = set()

    @contextmanager
    def at(self, url: str) -> Iterator[None]:
        """Have `ledger` at the URL, migrated and empty, until the end of the block."""
        point_ledger_at(url)
        try:
            if url not in self._migrated:
                call_command("migrate", "api", database=LEDGER, verbosity=0)
                self._migrated.add(url)
            for model in (models.Document, models.Revision, models.Lease, models.Checkpoint):
                model.objects.using(LEDGER).all().delete()
            yield
        finally:
            forget_ledger()


def point_ledger_at(url: str) -> None:
    """Give Django a database `ledger`, as docproc's settings would for DOCPROC_LEDGER=url."""
    config: dict[str, Any] = _database("DOCPROC_LEDGER", url)
    filled = ConnectionHandler({"default": {}, LEDGER: config}).settings
    connections.settings[LEDGER] = filled[LEDGER]


def forget_ledger() -> None:
    """Take `ledger` away again."""
    connections[LEDGER].close()
    del connections[LEDGER]
    del connections.settings[LEDGER]


@contextmanager
def mariadb_database(server_url: str) -> Iterator[str]:
    """Yield the URL of a new database on the server.

    Its own character set is the least fit one, so that only what the columns bring along counts.
    """
    url = urlsplit(server_url)
    name = f"docproc_test_{os.getpid()}_{next(_numbers)}"
    connection = pymysql.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        read_timeout=20,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET latin1")
        yield url._replace(path=f"/{name}").geturl()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
    finally:
        connection.close()


class Reaper:
    """Kills connections to a database from a second one, as a failover of the server does.

    A context manager; `url` names the database.
    """

    def __init__(self, url: str) -> None:
        self.kills = 0
        self._url = urlsplit(url)

    def __enter__(self) -> Self:
        self._connection = pymysql.connect(
            host=self._url.hostname,
            port=self._url.port or 3306,
            user=self._url.username,
            password=self._url.password or "",
            autocommit=True,
            read_timeout=20,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def kill_own(self) -> None:
        """Kill the connection of this thread's ledger, if it has one."""
        connection = connections[LEDGER].connection
        if connection is not None:
            self._kill(connection.thread_id())

    def kill_any(self, chance: random.Random) -> None:
        """Kill one of the connections to the database."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE db = %s", (self._url.path[1:],)
            )
            ids = sorted(number for (number,) in cursor.fetchall())
        if ids:
            self._kill(chance.choice(ids))

    def deadlocks(self) -> int:
        """Return how many deadlocks the server has broken since it runs."""
        with self._connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
            return int(cursor.fetchall()[0][1])

    def _kill(self, number: int) -> None:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"KILL {number}")
        except Exception as error:
            if error.args[:1] != (NO_SUCH_THREAD,):  # then it has ended by itself
                raise
        else:
            self.kills += 1
