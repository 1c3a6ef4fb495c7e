-- The appointments whose title matches the pattern $1, in the order of their start, with the columns of
-- visits_of_day.sql.
SELECT to_char(time_montreal, 'HH24:MI') AS time, coalesce(title, '') AS title,
       coalesce(company_name, '') AS client, coalesce(contact_name, '') AS contact,
       concat_ws(', ', nullif(address_line1, ''), nullif(city, '')) AS address, pianos,
       to_char(start_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS stored_utc
  FROM {schema}.v_appointments_montreal
 WHERE title LIKE $1
 ORDER BY start_at
