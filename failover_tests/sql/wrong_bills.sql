-- Bills whose lines do not sum up to their amount.
SELECT b.bill_no, b.amount_fen, coalesce(sum(l.amount_fen), 0) AS lines_fen
  FROM evergrid.bill b
  LEFT JOIN evergrid.bill_line l
    ON l.month = b.month AND l.bureau_id = b.bureau_id AND l.account_id = b.account_id
   AND l.serial = b.serial
 GROUP BY b.month, b.bureau_id, b.account_id, b.serial, b.bill_no, b.amount_fen
HAVING coalesce(sum(l.amount_fen), 0) <> b.amount_fen
