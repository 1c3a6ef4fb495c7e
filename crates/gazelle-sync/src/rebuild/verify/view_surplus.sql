-- Appointments that v_appointments_montreal shows although the table has no row for them, or only a deleted one.
SELECT v.external_id
  FROM {schema}.v_appointments_montreal v
  LEFT JOIN {schema}.gazelle_appointments a ON a.external_id = v.external_id AND a.deleted_at IS NULL
 WHERE a.external_id IS NULL
