-- The links to calendar feeds, of the technician $1 or of all: those in use first, then the newest.
SELECT f.id, f.technician_external_id, f.language, f.made_at, f.revoked_at,
       nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), '') AS technician_name,
       m.name AS made_by_name, r.name AS revoked_by_name
  FROM {schema}.sync_feeds f
  LEFT JOIN {schema}.gazelle_users u ON u.external_id = f.technician_external_id
  LEFT JOIN {schema}.sync_people m ON m.id = f.made_by
  LEFT JOIN {schema}.sync_people r ON r.id = f.revoked_by
 WHERE $1::text IS NULL OR f.technician_external_id = $1
 ORDER BY f.revoked_at IS NOT NULL, f.made_at DESC, f.id
 LIMIT 100
