-- name: payable
-- Draw the next payment number for a locked account, beside its open bills, first due first. A statement
-- of its own: what it sees must be younger than the lock. Index: account_account_no_key, receivable_open.
SELECT account.account_id, account.bureau_id, nextval('evergrid.payment_number'),
       coalesce(array_agg(receivable.bill_no::text ORDER BY receivable.due_on, receivable.month,
                                                            receivable.serial)
                FILTER (WHERE receivable.open_fen > 0), '{}'),
       coalesce(array_agg(receivable.open_fen ORDER BY receivable.due_on, receivable.month,
                                                       receivable.serial)
                FILTER (WHERE receivable.open_fen > 0), '{}')
  FROM evergrid.account
  LEFT JOIN evergrid.receivable ON receivable.bureau_id = account.bureau_id
                               AND receivable.account_id = account.account_id
                               AND receivable.open_fen > 0
 WHERE account.account_no = %(account_no)s
 GROUP BY account.account_id, account.bureau_id;

-- name: record_payment
-- Record a payment with its allocations, its prepayment lot and its journal, all or nothing. Breaks
-- payment's unique constraint if the channel's serial was used before on this business date.
WITH taken AS (
    INSERT INTO evergrid.payment (business_date, payment_no, bureau_id, account_id, amount_fen,
                                  channel, channel_serial, principal_id, received_at)
    VALUES (%(business_date)s, %(payment_no)s, %(bureau_id)s, %(account_id)s, %(amount_fen)s,
            %(channel)s, %(channel_serial)s, %(principal_id)s, %(received_at)s)
    RETURNING payment_no
), used AS (
    SELECT used.bill_no, used.amount_fen
      FROM taken, unnest(%(bill_nos)s::text[], %(bill_fens)s::bigint[]) AS used (bill_no, amount_fen)
), allocated AS (
    INSERT INTO evergrid.allocation (allocated_on, bureau_id, account_id, payment_no, bill_no,
                                     amount_fen, is_from_prepayment, allocated_at)
    SELECT %(business_date)s, %(bureau_id)s, %(account_id)s, %(payment_no)s, used.bill_no,
           used.amount_fen, false, %(received_at)s
      FROM used
), paid AS (
    UPDATE evergrid.receivable
       SET open_fen = receivable.open_fen - used.amount_fen
      FROM used
     WHERE receivable.bureau_id = %(bureau_id)s
       AND receivable.account_id = %(account_id)s
       AND receivable.bill_no = used.bill_no
), kept AS (
    INSERT INTO evergrid.prepayment_lot (bureau_id, account_id, payment_no, amount_fen, open_fen)
    SELECT %(bureau_id)s, %(account_id)s, taken.payment_no, %(prepayment_fen)s, %(prepayment_fen)s
      FROM taken
     WHERE %(prepayment_fen)s::bigint > 0
), posted AS (
    INSERT INTO evergrid.journal (accounting_date, bureau_id, event, reference, posted_at)
    SELECT %(business_date)s, %(bureau_id)s, 'payment_received', taken.payment_no, %(received_at)s
      FROM taken
    RETURNING journal_id
), entered AS (
    INSERT INTO evergrid.ledger_entry (accounting_date, journal_id, position, bureau_id, code,
                                       account_id, document_no, amount_fen)
    SELECT %(business_date)s, posted.journal_id, entry.position, %(bureau_id)s, entry.code,
           entry.account_id, entry.document_no, entry.amount_fen
      FROM posted,
           unnest(%(codes)s::text[], %(account_ids)s::bigint[], %(document_nos)s::text[],
                  %(amounts_fen)s::bigint[])
           WITH ORDINALITY AS entry (code, account_id, document_no, amount_fen, position)
)
SELECT payment_no FROM taken;

-- name: payment_by_no
-- Read one payment; the business date inside its number names the partition. Index: the primary key.
SELECT account.account_no, payment.amount_fen, payment.channel, payment.channel_serial,
       payment.business_date, payment.received_at,
       coalesce((SELECT lot.amount_fen
                   FROM evergrid.prepayment_lot AS lot
                  WHERE lot.bureau_id = payment.bureau_id
                    AND lot.account_id = payment.account_id
                    AND lot.payment_no = payment.payment_no), 0)
  FROM evergrid.payment
  JOIN evergrid.account ON account.bureau_id = payment.bureau_id
                       AND account.account_id = payment.account_id
 WHERE payment.payment_no = %(payment_no)s
   AND payment.business_date = %(business_date)s;

-- name: allocations_of_payment
-- Read which bills a payment paid when it was taken, in the order of their months.
SELECT allocation.bill_no, allocation.amount_fen
  FROM evergrid.allocation
  JOIN evergrid.payment ON payment.payment_no = allocation.payment_no
                       AND payment.bureau_id = allocation.bureau_id
                       AND payment.account_id = allocation.account_id
 WHERE allocation.payment_no = %(payment_no)s
   AND allocation.allocated_on = %(business_date)s
   AND payment.business_date = %(business_date)s
   AND NOT allocation.is_from_prepayment
 ORDER BY allocation.bill_no;
