"""Since when PostgreSQL has counted uses of this database's tables and indexes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from feed_service.operations import figures
from feed_service.operations.asking import Questions

# pg_stat_database says nothing unless somebody has reset it. A crash loses the counters; those of the server as a
# whole tell of that. A database made by CREATE DATABASE begins with none: its folder is as old as it is.
AGE = """
    SELECT now() AS at, database.stats_reset AS reset,
        least((SELECT stats_reset FROM pg_stat_archiver), (SELECT stats_reset FROM pg_stat_bgwriter),
            (SELECT stats_reset FROM pg_stat_wal)) AS whole_reset,
        (SELECT min(oldest) FROM (
            SELECT least(last_vacuum, last_autovacuum, last_analyze, last_autoanalyze) AS oldest
            FROM pg_stat_all_tables
        ) AS worked) AS seen,
        has_function_privilege('pg_stat_file(text)', 'EXECUTE') AND spcname = 'pg_default' AS may_look,
        itself.oid::bigint AS oid
    FROM pg_database AS itself
    JOIN pg_stat_database AS database ON database.datid = itself.oid
    JOIN pg_tablespace AS space ON space.oid = itself.dattablespace
    WHERE itself.datname = current_database()
"""
MADE = "SELECT (pg_stat_file('base/' || $1::bigint || '/PG_VERSION')).modification AS at"


@dataclass(frozen=True)
class StatisticsAge:
    """`since` is certain where `is_certain`; else they are that old at least. None: nothing tells."""

    at: datetime
    since: datetime | None
    is_certain: bool

    def is_at_least(self, age: timedelta) -> bool:
        return self.since is not None and self.at - self.since >= age

    def told(self) -> str:
        if self.since is None:
            return "Nothing tells since when uses are counted (pg_stat_database.stats_reset is empty)."
        known = "" if self.is_certain else " at least"
        age = figures.duration(self.at - self.since)
        return f"Uses are counted since {figures.moment(self.since)}{known}, that is for {age}."


async def statistics_age(ask: Questions) -> StatisticsAge:
    found = await ask.row(AGE)
    if found["reset"] is not None:
        return StatisticsAge(found["at"], found["reset"], is_certain=True)
    if found["may_look"] and found["whole_reset"] is not None:
        made = (await ask.row(MADE, found["oid"]))["at"]
        return StatisticsAge(found["at"], max(made, found["whole_reset"]), is_certain=True)
    return StatisticsAge(found["at"], found["seen"], is_certain=False)
