-- The visits of a technician ($3) that start in a time ($1 to before $2), in order of their starts, $4 at most, with what a
-- calendar shows of each, and when any of that last changed. What came from the technician's own other calendar is left out:
-- it stands there already.
SELECT v.external_id, v.date_montreal, v.last_date_montreal, v.start_at, a.end_at, v.is_all_day, v.title, v.status,
       v.event_type, v.company_name, v.contact_name, v.contact_phone, v.address_line1, v.address_line2, v.city,
       v.postal_code, a.confirmed_by_client,
       greatest(a.synced_from_gazelle_at, c.synced_from_gazelle_at, k.synced_from_gazelle_at, l.synced_from_gazelle_at,
                (SELECT max(greatest(p.synced_from_gazelle_at, i.synced_from_gazelle_at))
                   FROM {schema}.gazelle_appointment_pianos p
                   JOIN {schema}.gazelle_pianos i ON i.external_id = p.piano_external_id
                  WHERE p.appointment_external_id = a.external_id)) AS changed_at
  FROM {schema}.v_appointments_montreal v
  JOIN {schema}.gazelle_appointments a ON a.external_id = v.external_id
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = a.client_external_id
  LEFT JOIN {schema}.gazelle_contacts k ON k.external_id = a.contact_external_id
  LEFT JOIN {schema}.gazelle_locations l ON l.external_id = a.location_external_id
 WHERE v.start_at >= $1 AND v.start_at < $2
   AND v.technician_external_id = $3
   AND v.event_type IS DISTINCT FROM 'SYNCED'
 ORDER BY v.start_at, v.external_id
 LIMIT $4
