-- name: standing
-- Read what the closing of an account is judged by: whether it is closed, the newest month that is billed, how
-- much of its equipment is there to stay. A statement of its own: what it sees must be younger than the lock.
-- Indexes: account_account_no_key, account_closing_pkey, receivable_pkey, equipment_change_pkey.
SELECT closing.closed_at,
       (SELECT max(receivable.month)
          FROM evergrid.receivable
         WHERE receivable.bureau_id = account.bureau_id
           AND receivable.account_id = account.account_id
           AND receivable.is_in_force),
       (SELECT count(*)
          FROM evergrid.equipment
         WHERE equipment.bureau_id = account.bureau_id
           AND equipment.account_id = account.account_id
           AND NOT EXISTS (SELECT
                             FROM evergrid.equipment_change AS change
                            WHERE change.bureau_id = equipment.bureau_id
                              AND change.account_id = equipment.account_id
                              AND change.equipment_no = equipment.equipment_no
                              AND change.condition = 'removed'
                              AND change.from_day <= %(closes_on)s::date + 1))
  FROM evergrid.account
  LEFT JOIN evergrid.account_closing AS closing ON closing.bureau_id = account.bureau_id
                                               AND closing.account_id = account.account_id
 WHERE account.account_no = %(account_no)s;

-- name: close
-- Say since when a locked account is closed, its meter removed.
INSERT INTO evergrid.account_closing (bureau_id, account_id, removed_id, closed_at, month, work_order_no,
                                      reason, principal_id, recorded_at)
SELECT meter.bureau_id, meter.account_id, meter.meter_id, meter.removed_at, %(month)s::date,
       %(work_order_no)s, %(reason)s, %(principal_id)s, %(recorded_at)s::timestamptz
  FROM evergrid.meter
 WHERE meter.bureau_id = %(bureau_id)s
   AND meter.meter_id = %(removed_id)s;

-- name: closing_of_account
-- Read how an account was closed, if it was. Indexes: account_account_no_key, the primary keys.
SELECT closing.closed_at, meter.asset_no, round(final.register, meter.decimals)::text,
       closing.work_order_no, closing.reason, principal.name, closing.recorded_at
  FROM evergrid.account
  LEFT JOIN evergrid.account_closing AS closing ON closing.bureau_id = account.bureau_id
                                               AND closing.account_id = account.account_id
  LEFT JOIN evergrid.meter ON meter.bureau_id = closing.bureau_id
                          AND meter.meter_id = closing.removed_id
  LEFT JOIN evergrid.reading_in_force AS final ON final.bureau_id = meter.bureau_id
                                              AND final.meter_id = meter.meter_id
                                              AND final.read_at = meter.removed_at
  LEFT JOIN evergrid.principal ON principal.principal_id = closing.principal_id
 WHERE account.account_no = %(account_no)s;
