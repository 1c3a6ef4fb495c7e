-- The case of the version $1, if it is one of an entity; the columns are those of cases.sql.
SELECT q.entity, q.external_id, q.staging_id::text AS staging_id, q.state, q.error_code, q.error_field, s.error_message AS message,
       q.waits_for, q.waits_for_id, q.closed_reason, q.attempts, q.first_seen_at, q.last_seen_at, s.fetched_at,
       NULL::text AS raw_data, q.closed_at
  FROM {schema}.sync_quarantine q
  JOIN {schema}.{staging_table} s ON s.id = q.staging_id
 WHERE q.staging_id = $1 AND q.entity = '{entity}'
