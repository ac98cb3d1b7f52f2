-- How much there is of everything.
SELECT (SELECT count(*) FROM evergrid.payment) AS payments,
       (SELECT count(*) FROM evergrid.journal) AS journals,
       (SELECT count(*) FROM evergrid.account) AS accounts,
       (SELECT count(*) FROM evergrid.bill)    AS bills
