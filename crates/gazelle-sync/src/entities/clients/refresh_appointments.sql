-- Sets contact and location of the appointments of the clients $1 to the client's default contact and visit address.
-- Returns the ids of the appointments that differed.
UPDATE {schema}.gazelle_appointments a
   SET contact_external_id = c.default_contact_external_id,
       location_external_id = c.default_location_external_id
  FROM {schema}.gazelle_clients c
 WHERE c.external_id = ANY ($1::text[])
   AND a.client_external_id = c.external_id
   AND (a.contact_external_id, a.location_external_id)
       IS DISTINCT FROM (c.default_contact_external_id, c.default_location_external_id)
RETURNING a.external_id::text
