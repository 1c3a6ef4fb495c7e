-- The technicians, by name.
SELECT external_id, coalesce(nullif(concat_ws(' ', nullif(first_name, ''), nullif(last_name, '')), ''), external_id) AS name
  FROM {schema}.gazelle_users
 WHERE deleted_at IS NULL
 ORDER BY name, external_id
 LIMIT 200
