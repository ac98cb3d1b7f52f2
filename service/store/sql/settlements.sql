-- name: due
-- Read what a locked account owes, what is due first before the rest. Index: receivable_open.
SELECT receivable.bill_no::text, receivable.open_fen
  FROM evergrid.receivable
 WHERE receivable.bureau_id = %(bureau_id)s
   AND receivable.account_id = %(account_id)s
   AND receivable.open_fen > 0
 ORDER BY receivable.due_on, receivable.month, receivable.serial;

-- name: settle
-- Pay open bills of a locked account by what is paid ahead. Indexes: receivable_pkey, prepayment_lot_pkey.
WITH used AS (
    SELECT used.payment_no, used.bill_no, used.amount_fen
      FROM unnest(%(payment_nos)s::text[], %(bill_nos)s::text[], %(amounts_fen)s::bigint[])
           AS used (payment_no, bill_no, amount_fen)
), taken AS (
    UPDATE evergrid.prepayment_lot
       SET open_fen = prepayment_lot.open_fen - lot.amount_fen
      FROM (SELECT used.payment_no, sum(used.amount_fen)::bigint AS amount_fen
              FROM used
             GROUP BY used.payment_no) AS lot
     WHERE prepayment_lot.bureau_id = %(bureau_id)s
       AND prepayment_lot.account_id = %(account_id)s
       AND prepayment_lot.payment_no = lot.payment_no
), paid AS (
    UPDATE evergrid.receivable
       SET open_fen = receivable.open_fen - bill.amount_fen
      FROM (SELECT used.bill_no, sum(used.amount_fen)::bigint AS amount_fen
              FROM used
             GROUP BY used.bill_no) AS bill
     WHERE receivable.bureau_id = %(bureau_id)s
       AND receivable.account_id = %(account_id)s
       AND receivable.bill_no = bill.bill_no
)
INSERT INTO evergrid.allocation (allocated_on, bureau_id, account_id, payment_no, bill_no, amount_fen,
                                 is_from_prepayment, allocated_at)
SELECT %(allocated_on)s, %(bureau_id)s, %(account_id)s, used.payment_no, used.bill_no, used.amount_fen,
       true, %(allocated_at)s::timestamptz
  FROM used;
