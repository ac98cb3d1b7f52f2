-- Every total of the books as they were at one moment, a line of JSON each; the moment first.
-- The lock waits for whoever is booking, and lets nobody begin: what is committed by then was
-- committed before the moment, everything else is committed after it. So a recovery that stops at
-- the moment stops exactly here.
BEGIN ISOLATION LEVEL REPEATABLE READ;
LOCK TABLE evergrid.journal IN SHARE MODE;
SELECT json_build_object('what', 'moment', 'value',
                         to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'));
SELECT json_build_object('what', what, 'value', value::text)
  FROM (
    SELECT 'entries of ' || code || ', fen' AS what, sum(amount_fen) AS value
      FROM evergrid.ledger_entry GROUP BY code
    UNION ALL
    SELECT 'entries of ' || code, count(*) FROM evergrid.ledger_entry GROUP BY code
    UNION ALL
    SELECT 'journals of ' || event, count(*) FROM evergrid.journal GROUP BY event
    UNION ALL
    SELECT 'payments through ' || channel || ', fen', sum(amount_fen) FROM evergrid.payment GROUP BY channel
    UNION ALL
    SELECT 'payments through ' || channel, count(*) FROM evergrid.payment GROUP BY channel
    UNION ALL
    SELECT 'allocations, fen', sum(amount_fen) FROM evergrid.allocation
    UNION ALL
    SELECT 'allocations', count(*) FROM evergrid.allocation
    UNION ALL
    SELECT 'receivables, fen', sum(open_fen) FROM evergrid.receivable
    UNION ALL
    SELECT 'accounts that owe', count(DISTINCT account_id) FROM evergrid.receivable WHERE open_fen > 0
    UNION ALL
    SELECT 'prepayments, fen', sum(open_fen) FROM evergrid.prepayment_lot
    UNION ALL
    SELECT 'bills, fen', sum(amount_fen) FROM evergrid.bill
    UNION ALL
    SELECT 'bills', count(*) FROM evergrid.bill
    UNION ALL
    SELECT 'bill lines, fen', sum(amount_fen) FROM evergrid.bill_line
    UNION ALL
    SELECT 'readings', count(*) FROM evergrid.reading
    UNION ALL
    SELECT 'accounts', count(*) FROM evergrid.account
    UNION ALL
    SELECT 'answers kept under their key', count(*) FROM evergrid.idempotency_key
  ) AS total
 ORDER BY what;
SELECT json_build_object('what', 'account ' || account_no || ', fen', 'value',
                         coalesce((SELECT sum(open_fen) FROM evergrid.receivable r
                                    WHERE r.bureau_id = a.bureau_id AND r.account_id = a.account_id), 0)::text
                         || ' owed, ' ||
                         coalesce((SELECT sum(open_fen) FROM evergrid.prepayment_lot l
                                    WHERE l.bureau_id = a.bureau_id AND l.account_id = a.account_id), 0)::text
                         || ' ahead')
  FROM evergrid.account a
 ORDER BY account_no;
COMMIT;
