-- The payments of one run whose money was not, in full, both used (what it paid, what it left over:
-- allocated) and booked (what came in on the debit side of its journal).
SELECT payment.payment_no, payment.amount_fen,
       coalesce(used.amount_fen, 0) + coalesce(lot.amount_fen, 0) AS allocated_fen,
       coalesce(booked.amount_fen, 0) AS booked_fen
  FROM evergrid.payment
  LEFT JOIN (SELECT payment_no, sum(amount_fen) AS amount_fen
               FROM evergrid.allocation
              WHERE NOT is_from_prepayment
              GROUP BY payment_no) AS used ON used.payment_no = payment.payment_no
  LEFT JOIN (SELECT payment_no, sum(amount_fen) AS amount_fen
               FROM evergrid.prepayment_lot
              GROUP BY payment_no) AS lot ON lot.payment_no = payment.payment_no
  LEFT JOIN (SELECT journal.reference, sum(entry.amount_fen) AS amount_fen
               FROM evergrid.journal
               JOIN evergrid.ledger_entry AS entry
                 ON entry.journal_id = journal.journal_id
                AND entry.accounting_date = journal.accounting_date
              WHERE journal.event = 'payment_received' AND entry.amount_fen > 0
              GROUP BY journal.reference) AS booked ON booked.reference = payment.payment_no
 WHERE payment.channel = 'bank'
   AND payment.channel_serial > '%RUN%-'
   AND payment.channel_serial < '%RUN%.'
   AND (payment.amount_fen IS DISTINCT FROM coalesce(booked.amount_fen, 0)
        OR payment.amount_fen
           IS DISTINCT FROM coalesce(used.amount_fen, 0) + coalesce(lot.amount_fen, 0))
