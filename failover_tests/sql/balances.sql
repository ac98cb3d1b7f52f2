-- Both balances of every account, as kept and as the ledger's entries sum up.
WITH entries AS (
    SELECT account_id,
           sum(amount_fen) FILTER (WHERE code = '1122.01') AS receivable_fen,
           -sum(amount_fen) FILTER (WHERE code = '2203')   AS prepayment_fen
      FROM evergrid.ledger_entry
     WHERE account_id IS NOT NULL
     GROUP BY account_id
), bills AS (
    SELECT account_id, sum(open_fen) AS open_fen FROM evergrid.receivable GROUP BY account_id
), lots AS (
    SELECT account_id, sum(open_fen) AS open_fen FROM evergrid.prepayment_lot GROUP BY account_id
)
SELECT a.account_no,
       coalesce(bills.open_fen, 0)         AS receivable_fen,
       coalesce(entries.receivable_fen, 0) AS receivable_entries_fen,
       coalesce(lots.open_fen, 0)          AS prepayment_fen,
       coalesce(entries.prepayment_fen, 0) AS prepayment_entries_fen
  FROM evergrid.account a
  LEFT JOIN entries ON entries.account_id = a.account_id
  LEFT JOIN bills   ON bills.account_id = a.account_id
  LEFT JOIN lots    ON lots.account_id = a.account_id
