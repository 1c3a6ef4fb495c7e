-- Appointments whose titles contain the text $1, each with its start in UTC and the local date and time of the view.
SELECT a.external_id, a.start_at, v.date_montreal, v.time_montreal
  FROM {schema}.gazelle_appointments a
  JOIN {schema}.v_appointments_montreal v ON v.external_id = a.external_id
 WHERE a.deleted_at IS NULL AND strpos(lower(a.title), lower($1)) > 0
