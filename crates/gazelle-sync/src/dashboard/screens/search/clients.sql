-- Clients whose company or reference holds the words $1 (patterns; folded as $2 and $3 say, and $5 as they are), $4 at most.
SELECT c.external_id AS record, c.external_id, coalesce(nullif(c.company_name, ''), k.name) AS name, c.reference_id AS detail, NULL AS more,
       NULL::timestamptz AS start_at, c.deleted_at,
       EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                WHERE q.entity = 'clients' AND q.external_id = c.external_id AND q.state IN ('open', 'waiting')) AS is_held
  FROM {schema}.gazelle_clients c
 CROSS JOIN LATERAL (SELECT concat_ws(' ', c.company_name, c.reference_id) AS text) AS said
  LEFT JOIN LATERAL (
       SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
         FROM {schema}.gazelle_contacts o
        WHERE o.external_id = c.default_contact_external_id) AS k ON true
 WHERE {matches}
 ORDER BY c.deleted_at IS NOT NULL, name, c.external_id
 LIMIT $4
