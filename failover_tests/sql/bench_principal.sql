-- On whose behalf the benchmark pays.
SELECT min(principal_id) AS principal_id
  FROM evergrid.principal
 WHERE role = 'channel' AND bureau_id = 1
