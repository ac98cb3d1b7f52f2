-- name: standing
-- Read what a new term is judged by. A statement of its own: what it sees must be younger than the
-- lock. Indexes: account_account_no_key, receivable_pkey, household_term_pkey.
SELECT account.bureau_id, account.account_id, account.category,
       (SELECT max(receivable.month)
          FROM evergrid.receivable
         WHERE receivable.bureau_id = account.bureau_id
           AND receivable.account_id = account.account_id
           AND receivable.is_in_force),
       array(SELECT term.from_month
               FROM evergrid.household_term AS term
              WHERE term.bureau_id = account.bureau_id
                AND term.account_id = account.account_id)
  FROM evergrid.account
 WHERE account.account_no = %(account_no)s;

-- name: add_term
-- Record a term.
INSERT INTO evergrid.household_term (bureau_id, account_id, from_month, persons, subsidy,
                                     document_no, principal_id, recorded_at)
VALUES (%(bureau_id)s, %(account_id)s, %(from_month)s, %(persons)s, %(subsidy)s, %(document_no)s,
        %(principal_id)s, %(recorded_at)s);

-- name: account_by_no
-- Find an account that the caller may see. Index: account_account_no_key.
SELECT bureau_id, account_id
  FROM evergrid.account
 WHERE account_no = %(account_no)s;

-- name: terms_of_account
-- Read the terms of an account, the newest first. Indexes: household_term_pkey, principal_pkey.
SELECT term.from_month, term.persons, term.subsidy, term.document_no, principal.name,
       term.recorded_at
  FROM evergrid.household_term AS term
  JOIN evergrid.principal ON principal.principal_id = term.principal_id
 WHERE term.bureau_id = %(bureau_id)s
   AND term.account_id = %(account_id)s
 ORDER BY term.from_month DESC;
