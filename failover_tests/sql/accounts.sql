-- How many accounts the lab's own bureau has.
SELECT count(*) AS accounts FROM evergrid.account WHERE bureau_id = 1
