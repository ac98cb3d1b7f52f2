-- name: standing
-- Read what equipment of an account is judged by. A statement of its own: what it sees must be younger than the
-- lock. Indexes: account_account_no_key, receivable_pkey, equipment_change_pkey.
SELECT account.bureau_id, account.account_id, account.category,
       (SELECT max(receivable.month)
          FROM evergrid.receivable
         WHERE receivable.bureau_id = account.bureau_id
           AND receivable.account_id = account.account_id
           AND receivable.is_in_force),
       (SELECT jsonb_agg(jsonb_build_array(change.from_day, change.condition) ORDER BY change.from_day)
          FROM evergrid.equipment_change AS change
         WHERE change.bureau_id = account.bureau_id
           AND change.account_id = account.account_id
           AND change.equipment_no = %(equipment_no)s),
       (SELECT closing.closed_at
          FROM evergrid.account_closing AS closing
         WHERE closing.bureau_id = account.bureau_id
           AND closing.account_id = account.account_id)
  FROM evergrid.account
 WHERE account.account_no = %(account_no)s;

-- name: add_equipment
-- Record equipment; its first change follows.
INSERT INTO evergrid.equipment (bureau_id, account_id, equipment_no, kind, capacity_kva, no_load_kw,
                                load_kw, no_load_percent, short_circuit_percent)
VALUES (%(bureau_id)s, %(account_id)s, %(equipment_no)s, %(kind)s, %(capacity_kva)s::text::numeric,
        %(no_load_kw)s::text::numeric, %(load_kw)s::text::numeric,
        %(no_load_percent)s::text::numeric, %(short_circuit_percent)s::text::numeric);

-- name: add_change
-- Record a change of condition.
INSERT INTO evergrid.equipment_change (bureau_id, account_id, equipment_no, from_day, condition,
                                       document_no, principal_id, recorded_at)
VALUES (%(bureau_id)s, %(account_id)s, %(equipment_no)s, %(from_day)s, %(condition)s,
        %(document_no)s, %(principal_id)s, %(recorded_at)s);

-- name: account_by_no
-- Find an account that the caller may see. Index: account_account_no_key.
SELECT bureau_id, account_id
  FROM evergrid.account
 WHERE account_no = %(account_no)s;

-- name: equipment_of_account
-- Read the equipment of an account, by number, each with its changes, the newest first. Indexes: the primary keys.
SELECT equipment.equipment_no, equipment.kind, equipment.capacity_kva, equipment.no_load_kw,
       equipment.load_kw, equipment.no_load_percent, equipment.short_circuit_percent,
       (SELECT jsonb_agg(jsonb_build_object('from_day', change.from_day,
                                            'condition', change.condition,
                                            'document_no', change.document_no,
                                            'recorded_by', principal.name,
                                            'recorded_at', change.recorded_at)
                         ORDER BY change.from_day DESC)
          FROM evergrid.equipment_change AS change
          JOIN evergrid.principal ON principal.principal_id = change.principal_id
         WHERE change.bureau_id = equipment.bureau_id
           AND change.account_id = equipment.account_id
           AND change.equipment_no = equipment.equipment_no)
  FROM evergrid.equipment
 WHERE equipment.bureau_id = %(bureau_id)s
   AND equipment.account_id = %(account_id)s
 ORDER BY equipment.equipment_no;
