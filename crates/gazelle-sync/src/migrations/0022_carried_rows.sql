-- What a record carried goes with it: as stage 2 does it from now on, and as a replay makes it from staging.
UPDATE {schema}.gazelle_contacts carried
   SET deleted_at = gone.deleted_at
  FROM {schema}.gazelle_clients gone
 WHERE carried.client_external_id = gone.external_id
   AND gone.deleted_at IS NOT NULL
   AND carried.deleted_at IS NULL;

UPDATE {schema}.gazelle_locations carried
   SET deleted_at = gone.deleted_at
  FROM {schema}.gazelle_clients gone
 WHERE carried.client_external_id = gone.external_id
   AND gone.deleted_at IS NOT NULL
   AND carried.deleted_at IS NULL;

UPDATE {schema}.gazelle_appointment_pianos carried
   SET deleted_at = gone.deleted_at
  FROM {schema}.gazelle_appointments gone
 WHERE carried.appointment_external_id = gone.external_id
   AND gone.deleted_at IS NOT NULL
   AND carried.deleted_at IS NULL;
