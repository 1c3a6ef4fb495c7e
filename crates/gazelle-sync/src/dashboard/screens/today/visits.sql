-- The appointments that touch a day ($3) by the view's zone, of a technician ($4) or of all, the first one first. The bounds
-- of the start ($1, $2) keep the index in use; of those that begin long before, most ended before $5, and nothing that
-- follows is read of them.
SELECT v.external_id, v.date_montreal, v.last_date_montreal, v.start_at, a.end_at, v.is_all_day, v.title, v.status, v.event_type,
       v.client_external_id, v.company_name, v.contact_name, v.contact_phone, v.address_line1, v.address_line2, v.city,
       v.postal_code, v.technician_external_id, v.technician_name, v.pianos, v.notes, a.confirmed_by_client
  FROM {schema}.v_appointments_montreal v
  JOIN {schema}.gazelle_appointments a ON a.external_id = v.external_id
 WHERE v.start_at >= $1 AND v.start_at < $2
   AND v.start_at + greatest(coalesce(v.duration_minutes, 0), 0) * interval '1 minute' >= $5
   AND v.date_montreal <= $3 AND v.last_date_montreal >= $3
   AND ($4::text IS NULL OR v.technician_external_id = $4)
 ORDER BY v.start_at, v.external_id
 LIMIT 300
