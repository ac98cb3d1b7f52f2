-- name: remove_meter
-- Say since when a locked meter no longer measures its account, also to whoever waits for what it shows.
-- Indexes: meter_pkey, meter_state_pkey.
WITH gone AS (
    UPDATE evergrid.meter_state
       SET is_removed = true
     WHERE bureau_id = %(bureau_id)s
       AND meter_id = %(removed_id)s
)
UPDATE evergrid.meter
   SET removed_at = %(removed_at)s::timestamptz
 WHERE bureau_id = %(bureau_id)s
   AND meter_id = %(removed_id)s;

-- name: hang_meter
-- Hang a meter in the place of one that was removed; no row if its asset number is taken. What the new
-- one shows is where it begins.
WITH hung AS (
    INSERT INTO evergrid.meter (bureau_id, account_id, asset_no, digits, decimals, multiplier,
                                installed_at, initial_register)
    SELECT removed.bureau_id, removed.account_id, %(asset_no)s, %(digits)s, %(decimals)s,
           %(multiplier)s::numeric, %(installed_at)s::timestamptz, %(initial_register)s::numeric
      FROM evergrid.meter AS removed
     WHERE removed.bureau_id = %(bureau_id)s
       AND removed.meter_id = %(removed_id)s
    ON CONFLICT (asset_no) DO NOTHING
    RETURNING bureau_id, meter_id, installed_at, initial_register
), shown AS (
    INSERT INTO evergrid.meter_state (bureau_id, meter_id, read_at, register)
    SELECT bureau_id, meter_id, installed_at, initial_register
      FROM hung
), by_period AS (
    INSERT INTO evergrid.meter_register (bureau_id, meter_id, period, initial_register)
    SELECT hung.bureau_id, hung.meter_id, counter.period, counter.register::numeric
      FROM hung, jsonb_each_text(%(periods)s::jsonb) AS counter (period, register)
)
INSERT INTO evergrid.meter_exchange (bureau_id, removed_id, installed_id, work_order_no, reason,
                                     principal_id, recorded_at)
SELECT hung.bureau_id, %(removed_id)s, hung.meter_id, %(work_order_no)s, %(reason)s,
       %(principal_id)s, %(now)s::timestamptz
  FROM hung
RETURNING installed_id;

-- name: meters_of_account
-- Read every meter an account has had, the newest first; none if the caller sees no such account.
-- Indexes: account_account_no_key, meter_by_account, the primary keys.
SELECT meter.asset_no, meter.digits, meter.decimals, trim_scale(meter.multiplier)::text,
       meter.installed_at, round(meter.initial_register, meter.decimals)::text, meter.removed_at,
       round(final.register, meter.decimals)::text, exchange.work_order_no, exchange.reason,
       principal.name, exchange.recorded_at,
       (SELECT jsonb_agg(jsonb_build_object(
                   'period', counter.period,
                   'initial_register', round(counter.initial_register, meter.decimals)::text,
                   'final_register', round(ended.register, meter.decimals)::text)
                   ORDER BY counter.period)
          FROM evergrid.meter_register AS counter
          LEFT JOIN evergrid.register_reading_in_force AS ended ON ended.bureau_id = counter.bureau_id
                                                               AND ended.meter_id = counter.meter_id
                                                               AND ended.read_at = meter.removed_at
                                                               AND ended.period = counter.period
         WHERE counter.bureau_id = meter.bureau_id
           AND counter.meter_id = meter.meter_id)
  FROM evergrid.account
  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                     AND meter.account_id = account.account_id
  LEFT JOIN evergrid.reading_in_force AS final ON final.bureau_id = meter.bureau_id
                                              AND final.meter_id = meter.meter_id
                                              AND final.read_at = meter.removed_at
  LEFT JOIN evergrid.meter_exchange AS exchange ON exchange.bureau_id = meter.bureau_id
                                               AND exchange.installed_id = meter.meter_id
  LEFT JOIN evergrid.principal ON principal.principal_id = exchange.principal_id
 WHERE account.account_no = %(account_no)s
 ORDER BY meter.installed_at DESC;
