-- name: open_lots
-- Read what accounts have paid ahead, first in, first out by business date. Index: prepayment_lot_pkey.
SELECT account_id, payment_no::text, open_fen
  FROM evergrid.prepayment_lot
 WHERE bureau_id = %(bureau_id)s
   AND account_id = ANY (%(account_ids)s::bigint[])
   AND open_fen > 0
 ORDER BY account_id, prepayment_lot.payment_no;

-- name: use_lots
-- Take from prepayments what they pay of bills; a lot pays one bill of a chunk at most.
UPDATE evergrid.prepayment_lot
   SET open_fen = prepayment_lot.open_fen - used.amount_fen
  FROM unnest(%(account_ids)s::bigint[], %(payment_nos)s::text[], %(amounts_fen)s::bigint[])
       AS used (account_id, payment_no, amount_fen)
 WHERE prepayment_lot.bureau_id = %(bureau_id)s
   AND prepayment_lot.account_id = used.account_id
   AND prepayment_lot.payment_no = used.payment_no;

-- name: open_journal
-- Open the journal of bills issued together; its entries follow by COPY.
INSERT INTO evergrid.journal (accounting_date, bureau_id, event, reference, posted_at)
VALUES (%(accounting_date)s, %(bureau_id)s, 'bills_issued', %(reference)s, %(posted_at)s)
RETURNING journal_id;
