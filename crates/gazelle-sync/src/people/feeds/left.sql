-- How many links are in use to the visits of the technician that the person $1 is, and if $2 that the person made.
SELECT count(*)
  FROM {schema}.sync_feeds f
 WHERE f.revoked_at IS NULL
   AND ($2 AND f.made_by = $1
        OR f.technician_external_id = (SELECT p.technician_external_id FROM {schema}.sync_people p
                                        WHERE p.id = $1 AND p.role = 'technician'))
