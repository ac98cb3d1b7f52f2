-- The fence between bureaus, as the service sets it for each transaction.
SET LOCAL evergrid.bureau = '1'
