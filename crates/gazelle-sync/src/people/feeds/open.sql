-- The feed of the link with the hash $1, if it is in use.
SELECT f.id, f.technician_external_id, f.language, f.made_at, f.revoked_at,
       nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), '') AS technician_name,
       NULL::text AS made_by_name, NULL::text AS revoked_by_name
  FROM {schema}.sync_feeds f
  LEFT JOIN {schema}.gazelle_users u ON u.external_id = f.technician_external_id
 WHERE f.hash = $1 AND f.revoked_at IS NULL
