-- name: lock_account
-- Lock an account, so that one transaction at a time bills it, pays it, or changes what its bills rest
-- on. Index: account_account_no_key.
SELECT 1
  FROM evergrid.account
 WHERE account_no = %(account_no)s
   FOR UPDATE;
