-- How many pianos and appointments refer to the records $2 of the entities $1, by record and kind.
SELECT asked.entity, asked.external_id, child.kind, count(*) AS n
  FROM unnest($1::text[], $2::text[]) AS asked (entity, external_id)
 CROSS JOIN LATERAL (
       SELECT 'pianos' AS kind
         FROM {schema}.gazelle_pianos p
        WHERE asked.entity = 'clients' AND p.client_external_id = asked.external_id AND p.deleted_at IS NULL
       UNION ALL
       SELECT 'appointments'
         FROM {schema}.gazelle_appointments a
        WHERE asked.entity = 'clients' AND a.client_external_id = asked.external_id AND a.deleted_at IS NULL
       UNION ALL
       SELECT 'appointments'
         FROM {schema}.gazelle_appointment_pianos l
        WHERE asked.entity = 'pianos' AND l.piano_external_id = asked.external_id AND l.deleted_at IS NULL) AS child
 GROUP BY asked.entity, asked.external_id, child.kind
