-- Deletes the warnings of the entity $1 with these records, codes and fields ($2 to $4). Returns the records' ids.
DELETE FROM {schema}.sync_quality_warnings w
 WHERE w.entity = $1
   AND (w.external_id, w.code, w.field) IN
       (SELECT id, code, field FROM unnest($2::text[], $3::text[], $4::text[]) AS settled (id, code, field))
RETURNING w.external_id
