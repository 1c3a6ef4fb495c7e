-- Marks versions as faulty with their error; $1 to $5 are lists side by side. Returns their ids.
UPDATE {schema}.{staging_table} s
   SET sync_status = 'error', processed_at = $6, attempts = s.attempts + 1,
       error_code = fault.code, error_field = fault.field,
       error_message = fault.message, error_stack = fault.stack
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
       AS fault (id, message, stack, code, field)
 WHERE s.id = fault.id
RETURNING s.id
