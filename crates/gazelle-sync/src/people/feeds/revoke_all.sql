-- Revokes, by $3 at $4, the links to the visits of the technician that the person $1 is, and if $2 those that the person made.
UPDATE {schema}.sync_feeds f
   SET revoked_by = $3, revoked_at = $4
 WHERE f.revoked_at IS NULL
   AND ($2 AND f.made_by = $1
        OR f.technician_external_id = (SELECT p.technician_external_id FROM {schema}.sync_people p
                                        WHERE p.id = $1 AND p.role = 'technician'))
