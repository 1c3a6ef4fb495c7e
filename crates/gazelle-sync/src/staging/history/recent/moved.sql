-- The versions of an entity staged in a time (their ids, which begin with the time, from $1 to below $2; seen from $3 to before
-- $4, where those are given) that may have moved somebody's day: start, length of a day, state or technician differ from the
-- last version that production had; the record is gone or back; or it was first seen less than two days after it was made.
-- Of one technician ($5), before or after, or of all; and of one kind ($8) or of all, where a version that cannot be of the
-- kind is left out and the caller tells whether it is. The newest first: $6 versions are looked at, and $7 returned, at most.
-- Of a version that is too large to be compared for a list nothing is read.
SELECT v.id, v.external_id, v.fetched_at, v.operation,
       CASE WHEN pg_column_size(v.raw_data) < 65536 THEN v.raw_data END AS raw_data,
       before.id IS NOT NULL AS has_before,
       CASE WHEN pg_column_size(before.raw_data) < 65536 THEN before.raw_data END AS before,
       coalesce(prior.operation = 'delete', false) AS was_gone
  FROM (SELECT s.id, s.external_id, s.fetched_at, s.operation, s.raw_data
          FROM {schema}.{staging_table} s
         WHERE s.id >= $1 AND s.id < $2
           AND s.withdrawn_by IS NULL AND s.sync_status = 'processed'
         ORDER BY s.id DESC
         LIMIT $6) AS v
  {earlier}
 WHERE ($3::timestamptz IS NULL OR v.fetched_at >= $3)
   AND ($4::timestamptz IS NULL OR v.fetched_at < $4)
   AND CASE WHEN v.operation = 'delete' OR prior.operation = 'delete' THEN true
            -- The text of an instant in UTC, compared with one that is at least a day earlier than what is new.
            WHEN before.id IS NULL THEN (v.raw_data ->> 'createdAt') COLLATE "C" >= ((v.fetched_at AT TIME ZONE 'UTC')::date - 2)::text COLLATE "C"
            ELSE (v.raw_data -> 'start', v.raw_data -> 'start_time', v.raw_data -> 'isAllDay', v.raw_data -> 'is_all_day',
                  v.raw_data -> 'status', v.raw_data -> 'user' -> 'id', v.raw_data -> 'user_id', v.raw_data -> 'technician_id')
                 IS DISTINCT FROM
                 (before.raw_data -> 'start', before.raw_data -> 'start_time', before.raw_data -> 'isAllDay', before.raw_data -> 'is_all_day',
                  before.raw_data -> 'status', before.raw_data -> 'user' -> 'id', before.raw_data -> 'user_id', before.raw_data -> 'technician_id')
       END
   AND ($5::text IS NULL
        OR $5 IN (coalesce(v.raw_data -> 'user' ->> 'id', v.raw_data ->> 'user_id', v.raw_data ->> 'technician_id'),
                  coalesce(before.raw_data -> 'user' ->> 'id', before.raw_data ->> 'user_id', before.raw_data ->> 'technician_id')))
   AND CASE $8::text
            WHEN 'new' THEN v.operation <> 'delete' AND before.id IS NULL
            WHEN 'gone' THEN v.operation = 'delete'
            WHEN 'moved' THEN v.operation <> 'delete'
                 AND (v.raw_data -> 'start', v.raw_data -> 'start_time', v.raw_data -> 'isAllDay', v.raw_data -> 'is_all_day')
                     IS DISTINCT FROM
                     (before.raw_data -> 'start', before.raw_data -> 'start_time', before.raw_data -> 'isAllDay', before.raw_data -> 'is_all_day')
            WHEN 'reassigned' THEN v.operation <> 'delete'
                 AND coalesce(v.raw_data -> 'user' ->> 'id', v.raw_data ->> 'user_id', v.raw_data ->> 'technician_id') IS DISTINCT FROM
                     coalesce(before.raw_data -> 'user' ->> 'id', before.raw_data ->> 'user_id', before.raw_data ->> 'technician_id')
            WHEN 'cancelled' THEN v.raw_data ->> 'status' = 'CANCELED' AND before.raw_data ->> 'status' IS DISTINCT FROM 'CANCELED'
            WHEN 'reinstated' THEN v.operation <> 'delete' AND (prior.operation = 'delete' OR before.raw_data ->> 'status' = 'CANCELED')
            ELSE true
       END
 ORDER BY v.id DESC
 LIMIT $7
