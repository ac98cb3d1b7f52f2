-- How many chunks of a bill run were calculated, and issued, before a moment, and after another. A worker's clock
-- says when it took one up.
SELECT count(*) FILTER (WHERE calculated_at < to_timestamp(%BEFORE%)) AS calculated_before,
       count(*) FILTER (WHERE calculated_at > to_timestamp(%AFTER%))  AS calculated_after,
       count(*) FILTER (WHERE done_at < to_timestamp(%BEFORE%))       AS issued_before,
       count(*) FILTER (WHERE done_at > to_timestamp(%AFTER%))        AS issued_after
  FROM evergrid.bill_run_chunk
 WHERE bill_run_id = %RUN%
