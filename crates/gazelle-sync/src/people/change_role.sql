-- Changes role ($2) and technician ($3) of the person $1. Returns the person.
UPDATE {schema}.sync_people
   SET technician_external_id = $3, role = $2
 WHERE id = $1
RETURNING id, name, role, technician_external_id, language
