-- The accounts that the benchmark pays for. As many as this, two payments seldom wait for one lock.
SELECT account_no FROM evergrid.account WHERE bureau_id = 1 ORDER BY account_no LIMIT 1000
