-- name: entries_of_account
-- Read what moved an account's receivable or prepayment, newest first. Index: ledger_entry_by_account.
SELECT entry.accounting_date, entry.journal_id, entry.position, journal.event, entry.document_no,
       entry.code, entry.amount_fen
  FROM evergrid.account
  JOIN evergrid.ledger_entry AS entry ON entry.bureau_id = account.bureau_id
                                     AND entry.account_id = account.account_id
  JOIN evergrid.journal ON journal.journal_id = entry.journal_id
                       AND journal.accounting_date = entry.accounting_date
 WHERE account.account_no = %(account_no)s
   AND (entry.accounting_date, entry.journal_id, entry.position)
       < (%(before_date)s::date, %(before_journal)s::bigint, %(before_position)s::bigint)
 ORDER BY entry.accounting_date DESC, entry.journal_id DESC, entry.position DESC
 LIMIT %(limit)s;

-- name: balance_of_account
-- Read what an account owes beside what it has paid ahead. Index: receivable_open.
SELECT coalesce((SELECT sum(open_fen)
                   FROM evergrid.receivable
                  WHERE receivable.bureau_id = account.bureau_id
                    AND receivable.account_id = account.account_id
                    AND open_fen > 0), 0)::bigint,
       coalesce((SELECT sum(open_fen)
                   FROM evergrid.prepayment_lot
                  WHERE prepayment_lot.bureau_id = account.bureau_id
                    AND prepayment_lot.account_id = account.account_id), 0)::bigint
  FROM evergrid.account
 WHERE account_no = %(account_no)s;
