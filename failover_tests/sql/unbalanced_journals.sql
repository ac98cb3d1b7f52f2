-- Journals whose entries do not sum up to zero, or that have none.
SELECT j.journal_id, j.reference, coalesce(sum(e.amount_fen), 1) AS sum_fen
  FROM evergrid.journal j
  LEFT JOIN evergrid.ledger_entry e
    ON e.journal_id = j.journal_id AND e.accounting_date = j.accounting_date
 GROUP BY j.journal_id, j.accounting_date, j.reference
HAVING coalesce(sum(e.amount_fen), 1) <> 0
