"""What each error of the database means for the transaction it struck."""

from __future__ import annotations

from enum import Enum

import psycopg2

# For the edges of the program, which know no driver.
DatabaseError = psycopg2.Error


class Verdict(Enum):
    """What to do with the connection, and with the work."""

    AGAIN = "again"  # the connection is sound; the same work may succeed now
    ELSEWHERE = "elsewhere"  # the connection is lost or on the wrong node; work again on another
    DOUBTFUL = "doubtful"  # a node on its way down says it, so does a bug: again, a few times only
    FAULT = "fault"  # repeating cannot help: a bug, or a rule of the schema


# Whole codes first, then classes (the first two characters).
# Source: PostgreSQL 15, appendix A; what each meant in failovers was measured.
_VERDICTS = {
    "40001": Verdict.AGAIN,  # serialization_failure
    "40P01": Verdict.AGAIN,  # deadlock_detected
    "55P03": Verdict.AGAIN,  # lock_not_available: lock_timeout ran out
    "57014": Verdict.AGAIN,  # query_canceled: statement_timeout, or a replay conflict
    "25006": Verdict.ELSEWHERE,  # read_only_sql_transaction: this node is not the primary
    "26000": Verdict.ELSEWHERE,  # invalid_sql_statement_name: it lost what was prepared on it
    "25P03": Verdict.ELSEWHERE,  # idle_in_transaction_session_timeout
    "40003": Verdict.ELSEWHERE,  # statement_completion_unknown
    "53300": Verdict.ELSEWHERE,  # too_many_connections
    "53100": Verdict.ELSEWHERE,  # disk_full: another node may have room
    "57P01": Verdict.ELSEWHERE,  # admin_shutdown
    "57P02": Verdict.ELSEWHERE,  # crash_shutdown
    "57P03": Verdict.ELSEWHERE,  # cannot_connect_now
    "57P05": Verdict.ELSEWHERE,  # idle_session_timeout
    "08": Verdict.ELSEWHERE,  # connection_exception
    "58": Verdict.ELSEWHERE,  # system_error: I/O
    "XX000": Verdict.DOUBTFUL,  # internal_error; XX001, XX002 are damaged data, which stay damaged
}
# Codes that say too little by themselves, with the words that tell a node in the wrong state from
# a fault. Words are sure: the cluster sets lc_messages to C.
_WORDS = {
    "0A000": ("cached plan must not change result type", "during recovery"),  # a migration passed
    "XX000": ("during recovery",),  # "cannot make new WAL entries": this node is not the primary
}


def verdict(error: psycopg2.Error) -> Verdict:
    """Return what `error` means; an error without a code is a connection that went away."""
    code = error.pgcode
    if code is None:
        lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
        # libpq reports a connection that broke in the middle of an answer as DatabaseError.
        lost = lost or type(error) is psycopg2.DatabaseError
        return Verdict.ELSEWHERE if lost else Verdict.FAULT
    if any(words in str(error) for words in _WORDS.get(code, ())):
        return Verdict.ELSEWHERE
    return _VERDICTS.get(code) or _VERDICTS.get(code[:2]) or Verdict.FAULT


def reason(error: psycopg2.Error) -> str:
    """Return a short label for metrics: the code, or `lost` where the server sent none."""
    return error.pgcode or "lost"
