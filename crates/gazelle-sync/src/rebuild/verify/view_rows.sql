-- The next $2 appointments after the id $1 that are not deleted, each with what v_appointments_montreal shows of it.
SELECT a.external_id, a.appointment_date, a.appointment_time, a.start_at AT TIME ZONE 'UTC' AS start_utc,
       a.is_all_day,
       v.date_montreal, v.time_montreal, coalesce(v.shown, 0) AS shown,
       (a.title, a.client_external_id, a.appointment_date)
           IS NOT DISTINCT FROM (v.title, v.client_external_id, v.appointment_date) AS same
  FROM (SELECT * FROM {schema}.gazelle_appointments
         WHERE deleted_at IS NULL AND external_id > $1
         ORDER BY external_id
         LIMIT $2) a
  LEFT JOIN LATERAL (
       SELECT count(*) AS shown, min(m.date_montreal) AS date_montreal, min(m.time_montreal) AS time_montreal,
              min(m.title) AS title, min(m.client_external_id) AS client_external_id,
              min(m.appointment_date) AS appointment_date
         FROM {schema}.v_appointments_montreal m
        WHERE m.external_id = a.external_id) v ON true
 ORDER BY a.external_id
