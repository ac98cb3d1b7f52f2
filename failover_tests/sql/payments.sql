-- The payments of one run, each with what was made of its money: what it paid and left over
-- (allocated), and what came in on the debit side of its journal (booked).
SELECT p.channel_serial, p.payment_no, a.account_no, p.amount_fen,
       coalesce(used.amount_fen, 0) + coalesce(lot.amount_fen, 0) AS allocated_fen,
       coalesce(booked.amount_fen, 0) AS booked_fen
  FROM evergrid.payment p
  JOIN evergrid.account a ON a.account_id = p.account_id
  LEFT JOIN (SELECT payment_no, sum(amount_fen) AS amount_fen
               FROM evergrid.allocation
              WHERE NOT is_from_prepayment
              GROUP BY payment_no) used ON used.payment_no = p.payment_no
  LEFT JOIN evergrid.prepayment_lot lot ON lot.payment_no = p.payment_no
  LEFT JOIN (SELECT j.reference, sum(e.amount_fen) AS amount_fen
               FROM evergrid.journal j
               JOIN evergrid.ledger_entry e
                 ON e.journal_id = j.journal_id AND e.accounting_date = j.accounting_date
              WHERE j.event = 'payment_received' AND e.amount_fen > 0
              GROUP BY j.reference) booked ON booked.reference = p.payment_no
 WHERE p.channel_serial LIKE '%RUN%-%'
