-- name: bureaus
-- Read the number of every bureau; there are 99 at most.
SELECT bureau_id FROM evergrid.bureau;

-- name: draw_numbers
-- Draw numbers for new accounts, after passing over a few that may be taken. Materialized, or those
-- to be passed over would be sifted out before they are drawn.
WITH drawn AS MATERIALIZED (
    SELECT nextval('evergrid.account_number') AS number, position
      FROM generate_series(1, %(passed_over)s::integer + %(wanted)s::integer) AS position
)
SELECT number
  FROM drawn
 WHERE position > %(passed_over)s::integer;

-- name: begin_accounts
-- Begin accounts, each with its meter and what that shows. Returned are those that did not begin
-- whole, because an account of any bureau has their number, or a meter their asset number (then the
-- caller must undo it all: the account was written). In the order of the numbers, so that two
-- imports of the same file wait for each other instead of locking each other out.
WITH line AS MATERIALIZED (
    SELECT account_no, name, phone, address, category, opened_on, bureau_id, asset_no, digits,
           decimals, multiplier, installed_at, initial_register, periods
      FROM jsonb_to_recordset(%(accounts)s::jsonb) AS line (
               account_no char(10), name text, phone text, address text, category text,
               opened_on date, bureau_id smallint, asset_no text, digits smallint,
               decimals smallint, multiplier numeric, installed_at timestamptz,
               initial_register numeric, periods jsonb)
), begun AS (
    INSERT INTO evergrid.account (bureau_id, account_no, name, phone, address, category, opened_on,
                                  created_at)
    SELECT bureau_id, account_no, name, phone, address, category, opened_on, %(now)s::timestamptz
      FROM line
     ORDER BY account_no
    ON CONFLICT (account_no) DO NOTHING
    RETURNING bureau_id, account_id, account_no
), hung AS (
    INSERT INTO evergrid.meter (bureau_id, account_id, asset_no, digits, decimals, multiplier,
                                installed_at, initial_register)
    SELECT begun.bureau_id, begun.account_id, line.asset_no, line.digits, line.decimals,
           line.multiplier, line.installed_at, line.initial_register
      FROM begun
      JOIN line USING (account_no)
     ORDER BY line.asset_no
    ON CONFLICT (asset_no) DO NOTHING
    RETURNING bureau_id, meter_id, asset_no, installed_at, initial_register
), shown AS (
    INSERT INTO evergrid.meter_state (bureau_id, meter_id, read_at, register)
    SELECT bureau_id, meter_id, installed_at, initial_register
      FROM hung
), by_period AS (
    INSERT INTO evergrid.meter_register (bureau_id, meter_id, period, initial_register)
    SELECT hung.bureau_id, hung.meter_id, counter.period, counter.register::numeric
      FROM hung
      JOIN line USING (asset_no),
           jsonb_each_text(line.periods) AS counter (period, register)
)
SELECT line.account_no::text, line.asset_no, begun.account_no IS NOT NULL
  FROM line
  LEFT JOIN begun USING (account_no)
  LEFT JOIN hung USING (asset_no)
 WHERE hung.asset_no IS NULL;

-- name: account_by_no
-- Read one account as it is answered. The hottest read, so a statement of its own: one number is
-- planned once for all, a list of them (below) anew each time, five times slower in all. Index:
-- account_account_no_key, then meter_running, primary keys.
SELECT account.account_no::text, account.bureau_id, account.name, account.phone, account.address,
       account.category, account.opened_on,
       (SELECT coalesce(sum(receivable.open_fen), 0)::bigint
          FROM evergrid.receivable
         WHERE receivable.bureau_id = account.bureau_id
           AND receivable.account_id = account.account_id
           AND receivable.open_fen > 0),
       (SELECT coalesce(sum(lot.open_fen), 0)::bigint
          FROM evergrid.prepayment_lot AS lot
         WHERE lot.bureau_id = account.bureau_id
           AND lot.account_id = account.account_id),
       meter.asset_no, meter.digits, meter.decimals, trim_scale(meter.multiplier)::text,
       meter.installed_at, round(meter.initial_register, meter.decimals)::text,
       state.read_at, round(state.register, meter.decimals)::text,
       (SELECT closing.closed_at
          FROM evergrid.account_closing AS closing
         WHERE closing.bureau_id = account.bureau_id
           AND closing.account_id = account.account_id)
  FROM evergrid.account
  LEFT JOIN evergrid.running_meter AS meter ON meter.bureau_id = account.bureau_id
                                           AND meter.account_id = account.account_id
  LEFT JOIN evergrid.meter_state AS state ON state.bureau_id = meter.bureau_id
                                         AND state.meter_id = meter.meter_id
 WHERE account.account_no = %(account_no)s::bpchar;

-- name: accounts_found
-- Find the numbers of accounts by what is asked for (NULL: anything), in their order. The first
-- that is asked for finds candidates by its own index, whatever plan is used; the others sift them.
-- Index: account_account_no_key, account_by_phone, account_by_name, account_by_address.
WITH candidate AS (
    SELECT account_no, phone, name, address
      FROM evergrid.account_search
     WHERE %(number_first)s::bpchar IS NOT NULL
       AND account_no BETWEEN %(number_first)s::bpchar AND %(number_last)s::bpchar
     UNION ALL
    SELECT account_no, phone, name, address
      FROM evergrid.account_search
     WHERE %(number_first)s::bpchar IS NULL
       AND phone = %(phone)s::text
     UNION ALL
    SELECT account_no, phone, name, address
      FROM evergrid.account_search
     WHERE coalesce(%(number_first)s::text, %(phone)s::text) IS NULL
       AND name ILIKE %(name_like)s::text
     UNION ALL
    SELECT account_no, phone, name, address
      FROM evergrid.account_search
     WHERE coalesce(%(number_first)s::text, %(phone)s::text, %(name_like)s::text) IS NULL
       AND address ILIKE %(address_like)s::text
)
SELECT account_no::text
  FROM candidate
 WHERE (%(phone)s::text IS NULL OR phone = %(phone)s::text)
   AND (%(name_like)s::text IS NULL OR name ILIKE %(name_like)s::text)
   AND (%(address_like)s::text IS NULL OR address ILIKE %(address_like)s::text)
   AND account_no > %(after)s::bpchar
 ORDER BY account_no
 LIMIT %(limit)s::integer;

-- name: accounts_by_no
-- Read accounts as they are answered, in the order of their numbers. Index:
-- account_account_no_key, then meter_running and primary keys.
SELECT account.account_no::text, account.bureau_id, account.name, account.phone, account.address,
       account.category, account.opened_on,
       (SELECT coalesce(sum(receivable.open_fen), 0)::bigint
          FROM evergrid.receivable
         WHERE receivable.bureau_id = account.bureau_id
           AND receivable.account_id = account.account_id
           AND receivable.open_fen > 0),
       (SELECT coalesce(sum(lot.open_fen), 0)::bigint
          FROM evergrid.prepayment_lot AS lot
         WHERE lot.bureau_id = account.bureau_id
           AND lot.account_id = account.account_id),
       meter.asset_no, meter.digits, meter.decimals, trim_scale(meter.multiplier)::text,
       meter.installed_at, round(meter.initial_register, meter.decimals)::text,
       state.read_at, round(state.register, meter.decimals)::text,
       (SELECT closing.closed_at
          FROM evergrid.account_closing AS closing
         WHERE closing.bureau_id = account.bureau_id
           AND closing.account_id = account.account_id)
  FROM evergrid.account
  LEFT JOIN evergrid.running_meter AS meter ON meter.bureau_id = account.bureau_id
                                           AND meter.account_id = account.account_id
  LEFT JOIN evergrid.meter_state AS state ON state.bureau_id = meter.bureau_id
                                         AND state.meter_id = meter.meter_id
 WHERE account.account_no = ANY (%(account_nos)s::bpchar[])
 ORDER BY account.account_no;
