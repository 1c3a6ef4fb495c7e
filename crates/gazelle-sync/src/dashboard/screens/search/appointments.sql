-- Appointments whose title or client holds the words $1 (patterns; folded as $2 and $3 say, and $5 as they are), between $6 and $7 if these
-- are given, the latest first, $4 at most.
SELECT a.external_id AS record, a.external_id, nullif(a.title, '') AS name, NULL AS detail,
       coalesce(nullif(c.company_name, ''), k.name) AS more, a.start_at, a.deleted_at,
       EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                WHERE q.entity = 'appointments' AND q.external_id = a.external_id AND q.state IN ('open', 'waiting')) AS is_held
  FROM {schema}.gazelle_appointments a
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = a.client_external_id
  LEFT JOIN LATERAL (
       SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
         FROM {schema}.gazelle_contacts o
        WHERE o.external_id = a.contact_external_id) AS k ON true
 CROSS JOIN LATERAL (SELECT concat_ws(' ', a.title, c.company_name) AS text) AS said
 WHERE ($6::timestamptz IS NULL OR a.start_at >= $6)
   AND ($7::timestamptz IS NULL OR a.start_at < $7)
   AND {matches}
 ORDER BY a.deleted_at IS NOT NULL, a.start_at DESC, a.external_id
 LIMIT $4
