-- The fence between bureaus, as the service sets it for each transaction.
SELECT set_config('evergrid.bureau', '1', true)
