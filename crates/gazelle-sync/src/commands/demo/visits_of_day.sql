-- The appointments of the technician $1 on the local day $2, in the order of their start.
SELECT to_char(time_montreal, 'HH24:MI') AS time, coalesce(title, '') AS title,
       coalesce(company_name, '') AS client, coalesce(contact_name, '') AS contact,
       concat_ws(', ', nullif(address_line1, ''), nullif(city, '')) AS address, pianos,
       to_char(start_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS stored_utc
  FROM {schema}.v_appointments_montreal
 WHERE technician_external_id = $1 AND date_montreal = $2
 ORDER BY start_at
