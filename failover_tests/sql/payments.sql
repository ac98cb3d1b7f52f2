-- A page of one run's payments, by serial. Index: the unique one of channel, serial, date.
SELECT payment.channel_serial, payment.payment_no, account.account_no, payment.amount_fen
  FROM evergrid.payment
  JOIN evergrid.account ON account.account_id = payment.account_id
 WHERE payment.channel = 'bank'
   AND (payment.channel_serial, payment.payment_no) > ('%SERIAL%', '%NUMBER%')
   AND payment.channel_serial < '%RUN%.'
 ORDER BY payment.channel_serial, payment.payment_no
 LIMIT %PAGE%
