-- The records that the id $1 is one of, or in which it is one of a contact or of an address; also those that are gone.
SELECT 'clients' AS entity, external_id AS record FROM {schema}.gazelle_clients WHERE external_id = $1
UNION ALL
SELECT 'pianos', external_id FROM {schema}.gazelle_pianos WHERE external_id = $1
UNION ALL
SELECT 'appointments', external_id FROM {schema}.gazelle_appointments WHERE external_id = $1
UNION ALL
SELECT 'users', external_id FROM {schema}.gazelle_users WHERE external_id = $1
UNION ALL
SELECT 'clients', client_external_id FROM {schema}.gazelle_contacts WHERE external_id = $1
UNION ALL
SELECT 'clients', client_external_id FROM {schema}.gazelle_locations WHERE external_id = $1
