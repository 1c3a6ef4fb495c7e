-- Revokes the link $1, if it is one of the technician $2 or none is named: by the person $3, at $4. Returns its id.
UPDATE {schema}.sync_feeds
   SET revoked_by = CASE WHEN revoked_at IS NULL THEN $3 ELSE revoked_by END, revoked_at = coalesce(revoked_at, $4)
 WHERE id = $1 AND ($2::text IS NULL OR technician_external_id = $2)
RETURNING id
