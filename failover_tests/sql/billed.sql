-- What a bill run has left in the books.
SELECT (SELECT count(*) FROM evergrid.bill WHERE bill_run_id = %RUN%)                          AS bills,
       (SELECT count(DISTINCT account_id) FROM evergrid.bill WHERE bill_run_id = %RUN%)        AS accounts,
       (SELECT coalesce(sum(consumption_kwh), 0) FROM evergrid.bill WHERE bill_run_id = %RUN%) AS consumption_kwh,
       (SELECT coalesce(sum(amount_fen), 0) FROM evergrid.bill WHERE bill_run_id = %RUN%)      AS amount_fen,
       (SELECT coalesce(sum(open_fen + paid.fen), 0)
          FROM evergrid.receivable
          JOIN evergrid.bill USING (month, bureau_id, account_id, serial, bill_no)
         CROSS JOIN LATERAL (SELECT coalesce(sum(allocation.amount_fen), 0) AS fen
                               FROM evergrid.allocation
                              WHERE allocation.bill_no = receivable.bill_no) AS paid
         WHERE bill.bill_run_id = %RUN%)                                                       AS owed_fen
