-- name: demo_meters
-- Read a bureau's meters of the demo with what they showed last. Reads the whole bureau.
SELECT meter.asset_no, account.account_no, state.read_at, state.register,
       (SELECT jsonb_object_agg(counter.period, coalesce(last.register, counter.initial_register)::text)
          FROM evergrid.meter_register AS counter
          LEFT JOIN evergrid.register_reading_in_force AS last ON last.bureau_id = counter.bureau_id
                                                              AND last.meter_id = counter.meter_id
                                                              AND last.read_at = state.read_at
                                                              AND last.period = counter.period
         WHERE counter.bureau_id = meter.bureau_id
           AND counter.meter_id = meter.meter_id)
  FROM evergrid.running_meter AS meter
  JOIN evergrid.account ON account.bureau_id = meter.bureau_id
                       AND account.account_id = meter.account_id
  JOIN evergrid.meter_state AS state ON state.bureau_id = meter.bureau_id
                                    AND state.meter_id = meter.meter_id
 WHERE meter.bureau_id = %(bureau_id)s
   AND starts_with(meter.asset_no, %(prefix)s)
 ORDER BY meter.asset_no;

-- name: living_token
-- Find a token of a principal that is neither revoked nor expired. Index: api_token_by_principal.
SELECT expires_at
  FROM evergrid.api_token
 WHERE principal_id = %(principal_id)s
   AND revoked_at IS NULL
   AND expires_at > %(now)s
 LIMIT 1;

-- name: count_sections
-- Count the reading sections of a bureau. Index: reading_section_bureau_id_name_key.
SELECT count(*)
  FROM evergrid.reading_section
 WHERE bureau_id = %(bureau_id)s;

-- name: unrouted_accounts
-- Read the accounts of a bureau that no route has ever led to. Reads the whole bureau.
SELECT account.account_no::text
  FROM evergrid.account
 WHERE account.bureau_id = %(bureau_id)s
   AND NOT EXISTS (SELECT
                     FROM evergrid.reading_stop AS stop
                    WHERE stop.bureau_id = account.bureau_id
                      AND stop.account_id = account.account_id)
 ORDER BY account.account_id;

-- name: unsupplied_accounts
-- Read the accounts of a bureau that pay in two parts and have no equipment, whether they have terms. Reads the
-- whole bureau.
SELECT account.account_no::text,
       EXISTS (SELECT
                 FROM evergrid.supply_term AS term
                WHERE term.bureau_id = account.bureau_id
                  AND term.account_id = account.account_id)
  FROM evergrid.account
 WHERE account.bureau_id = %(bureau_id)s
   AND account.category = 'industrial'
   AND NOT EXISTS (SELECT
                     FROM evergrid.equipment
                    WHERE equipment.bureau_id = account.bureau_id
                      AND equipment.account_id = account.account_id)
 ORDER BY account.account_id;
