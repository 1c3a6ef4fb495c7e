-- The warnings of the records $2 (entity $1) that are not among $3 to $5: their newest versions no longer give them.
SELECT w.external_id, w.code, w.field
  FROM {schema}.sync_quality_warnings w
 WHERE w.entity = $1
   AND w.external_id = ANY ($2::text[])
   AND (w.external_id, w.code, w.field) NOT IN
       (SELECT id, code, field FROM unnest($3::text[], $4::text[], $5::text[]) AS noted (id, code, field))
