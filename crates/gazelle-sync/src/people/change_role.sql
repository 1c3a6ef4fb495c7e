-- Changes role ($2) and technician ($3) of the person $1. Returns the person.
UPDATE {schema}.sync_people
   SET role = $2, technician_external_id = $3
 WHERE id = $1
RETURNING id, name, role, technician_external_id, language
