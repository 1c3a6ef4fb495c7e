-- How many rows hang on the records $2 of the entities $1: pianos and appointments of clients, appointments of pianos.
SELECT 'clients' AS entity, p.client_external_id AS external_id, 'pianos' AS kind, count(*) AS n
  FROM unnest($1::text[], $2::text[]) AS asked (entity, external_id)
  JOIN {schema}.gazelle_pianos p ON p.client_external_id = asked.external_id AND p.deleted_at IS NULL
 WHERE asked.entity = 'clients'
 GROUP BY p.client_external_id
UNION ALL
SELECT 'clients', a.client_external_id, 'appointments', count(*)
  FROM unnest($1::text[], $2::text[]) AS asked (entity, external_id)
  JOIN {schema}.gazelle_appointments a ON a.client_external_id = asked.external_id AND a.deleted_at IS NULL
 WHERE asked.entity = 'clients'
 GROUP BY a.client_external_id
UNION ALL
SELECT 'pianos', l.piano_external_id, 'appointments', count(*)
  FROM unnest($1::text[], $2::text[]) AS asked (entity, external_id)
  JOIN {schema}.gazelle_appointment_pianos l ON l.piano_external_id = asked.external_id AND l.deleted_at IS NULL
 WHERE asked.entity = 'pianos'
 GROUP BY l.piano_external_id
