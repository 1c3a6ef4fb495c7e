-- The only place in the database where a local time appears: computed from the instant, so that summer
-- reads as summer in any season and in any session. An all-day event at midnight UTC names its date
-- itself; converting it would show the evening before. One at local midnight lasts whole days of the calendar, of
-- which one in spring has 23 hours and one in autumn 25, whether its minutes count those or 24 for each.
CREATE OR REPLACE VIEW {schema}.v_appointments_montreal WITH (security_invoker = true) AS
SELECT a.external_id,
       a.appointment_date,
       CASE WHEN a.is_all_day AND a.appointment_time = time '00:00' THEN a.appointment_date
            ELSE (a.start_at AT TIME ZONE 'America/Toronto')::date END AS date_montreal,
       CASE WHEN a.is_all_day AND a.appointment_time = time '00:00' THEN time '00:00'
            ELSE (a.start_at AT TIME ZONE 'America/Toronto')::time END AS time_montreal,
       a.title,
       a.client_external_id,
       -- The last local day that the event touches: one that ends at midnight does not touch the next.
       CASE WHEN a.is_all_day AND a.appointment_time = time '00:00'
                 THEN (a.appointment_date + (greatest(coalesce(a.duration_minutes, 0), 1) - 1) * interval '1 minute')::date
            WHEN a.is_all_day AND (a.start_at AT TIME ZONE 'America/Toronto')::time = time '00:00'
                 THEN (a.start_at AT TIME ZONE 'America/Toronto')::date
                      + greatest(round(coalesce(a.duration_minutes, 0) / 1440.0)::integer, 1) - 1
            ELSE (greatest(a.start_at, coalesce(a.end_at, a.start_at) - interval '1 microsecond')
                  AT TIME ZONE 'America/Toronto')::date END AS last_date_montreal,
       CASE WHEN a.is_all_day AND (a.appointment_time = time '00:00'
                                   OR (a.start_at AT TIME ZONE 'America/Toronto')::time = time '00:00') THEN NULL
            ELSE (a.end_at AT TIME ZONE 'America/Toronto')::time END AS end_time_montreal,
       a.start_at,
       a.duration_minutes,
       a.is_all_day,
       a.status,
       a.event_type,
       c.company_name,
       a.contact_external_id,
       nullif(concat_ws(' ', nullif(k.first_name, ''), nullif(k.last_name, '')), '') AS contact_name,
       k.phone AS contact_phone,
       a.location_external_id,
       l.address_line1,
       l.address_line2,
       l.city,
       l.postal_code,
       a.technician_external_id,
       nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), '') AS technician_name,
       (SELECT count(*) FROM {schema}.gazelle_appointment_pianos p
         WHERE p.appointment_external_id = a.external_id AND p.deleted_at IS NULL) AS pianos,
       a.notes
  FROM {schema}.gazelle_appointments a
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = a.client_external_id
  LEFT JOIN {schema}.gazelle_contacts k ON k.external_id = a.contact_external_id
  LEFT JOIN {schema}.gazelle_locations l ON l.external_id = a.location_external_id
  LEFT JOIN {schema}.gazelle_users u ON u.external_id = a.technician_external_id
 WHERE a.deleted_at IS NULL;
