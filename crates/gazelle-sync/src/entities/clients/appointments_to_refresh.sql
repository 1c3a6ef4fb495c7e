-- The appointments of the clients $1 whose contact or location differs from the client's default: those that
-- refresh_appointments.sql updates.
SELECT a.external_id::text
  FROM {schema}.gazelle_clients c
  JOIN {schema}.gazelle_appointments a ON a.client_external_id = c.external_id
 WHERE c.external_id = ANY ($1::text[])
   AND (a.contact_external_id, a.location_external_id)
       IS DISTINCT FROM (c.default_contact_external_id, c.default_location_external_id)
