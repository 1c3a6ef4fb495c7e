-- The technician and the day in Montréal with the most appointments, within sixty days from now.
SELECT technician_external_id, technician_name, date_montreal
  FROM {schema}.v_appointments_montreal
 WHERE start_at >= clock_timestamp() AND start_at < clock_timestamp() + interval '60 days'
   AND event_type = 'APPOINTMENT' AND status = 'ACTIVE' AND technician_name IS NOT NULL
 GROUP BY 1, 2, 3
 ORDER BY count(*) DESC, 3
 LIMIT 1
