-- name: supplies_of_accounts
-- Read how accounts are supplied in a month: what was agreed up to it, the terms that hold in it, all their
-- equipment, each with every change of its condition, the oldest first. Indexes: the primary keys.
SELECT asked.account_id,
       (SELECT jsonb_agg(jsonb_build_object(
                   'from_month', jsonb_build_object(
                       'year', extract(year FROM agreed.from_month)::integer,
                       'number', extract(month FROM agreed.from_month)::integer),
                   'mode', agreed.basic_mode,
                   'contract_kw', agreed.contract_kw::text,
                   'has_discount', agreed.has_heavy_use_discount)
                         ORDER BY agreed.from_month)
          FROM (SELECT DISTINCT ON (known.from_month)
                       known.from_month, known.basic_mode, known.contract_kw, known.has_heavy_use_discount
                  FROM evergrid.supply_term AS known
                 WHERE known.bureau_id = %(bureau_id)s
                   AND known.account_id = asked.account_id
                   AND known.from_month <= %(month)s::date
                 ORDER BY known.from_month, known.serial DESC) AS agreed),
       term.power_factor_standard, term.is_metered_low, term.load_shape,
       term.line_loss_hundredths_percent,
       (SELECT jsonb_agg(jsonb_build_object(
                   'kind', equipment.kind,
                   'plate', jsonb_build_object(
                       'capacity_kva', equipment.capacity_kva::text,
                       'no_load_kw', coalesce(equipment.no_load_kw, 0)::text,
                       'load_kw', coalesce(equipment.load_kw, 0)::text,
                       'no_load_percent', coalesce(equipment.no_load_percent, 0)::text,
                       'short_circuit_percent', coalesce(equipment.short_circuit_percent, 0)::text),
                   'changes', (SELECT jsonb_agg(jsonb_build_array(change.from_day, change.condition)
                                                ORDER BY change.from_day)
                                 FROM evergrid.equipment_change AS change
                                WHERE change.bureau_id = equipment.bureau_id
                                  AND change.account_id = equipment.account_id
                                  AND change.equipment_no = equipment.equipment_no))
                         ORDER BY equipment.equipment_no)
          FROM evergrid.equipment
         WHERE equipment.bureau_id = %(bureau_id)s
           AND equipment.account_id = asked.account_id)
  FROM unnest(%(account_ids)s::bigint[]) AS asked (account_id)
  JOIN LATERAL (SELECT known.power_factor_standard, known.is_metered_low, known.load_shape,
                       known.line_loss_hundredths_percent
                  FROM evergrid.supply_term AS known
                 WHERE known.bureau_id = %(bureau_id)s
                   AND known.account_id = asked.account_id
                   AND known.from_month <= %(month)s::date
                 ORDER BY known.from_month DESC, known.serial DESC
                 LIMIT 1) AS term ON true;

-- name: add_term
-- Record terms, behind those of the same month. Index: supply_term_pkey.
INSERT INTO evergrid.supply_term (bureau_id, account_id, from_month, serial, basic_mode, contract_kw,
                                  power_factor_standard, is_metered_low, load_shape,
                                  line_loss_hundredths_percent, has_heavy_use_discount, document_no,
                                  principal_id, recorded_at)
SELECT %(bureau_id)s::smallint, %(account_id)s::bigint, %(from_month)s::date, coalesce(max(before.serial), 0) + 1,
       %(basic_mode)s, %(contract_kw)s::text::numeric, %(power_factor_standard)s::smallint,
       %(is_metered_low)s::boolean, %(load_shape)s::text::numeric,
       %(line_loss_hundredths_percent)s::integer, %(has_heavy_use_discount)s::boolean, %(document_no)s,
       %(principal_id)s::integer, %(recorded_at)s::timestamptz
  FROM evergrid.supply_term AS before
 WHERE before.bureau_id = %(bureau_id)s
   AND before.account_id = %(account_id)s
   AND before.from_month = %(from_month)s;

-- name: terms_of_account
-- Read the terms of an account, the newest first. Indexes: supply_term_pkey, principal_pkey.
SELECT to_char(term.from_month, 'YYYY-MM'), term.basic_mode, term.contract_kw,
       term.power_factor_standard, term.is_metered_low, term.load_shape,
       term.line_loss_hundredths_percent, term.has_heavy_use_discount, term.document_no,
       principal.name, term.recorded_at
  FROM evergrid.supply_term AS term
  JOIN evergrid.principal ON principal.principal_id = term.principal_id
 WHERE term.bureau_id = %(bureau_id)s
   AND term.account_id = %(account_id)s
 ORDER BY term.from_month DESC, term.serial DESC;

-- name: account_by_no
-- Find an account that the caller may see. Index: account_account_no_key.
SELECT bureau_id, account_id
  FROM evergrid.account
 WHERE account_no = %(account_no)s;
