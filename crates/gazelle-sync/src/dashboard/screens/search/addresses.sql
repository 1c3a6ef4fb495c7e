-- Addresses that hold the words $1 (patterns; folded as $2 and $3 say, and $5 as they are), $4 at most.
SELECT l.client_external_id AS record, l.external_id, nullif(concat_ws(', ', nullif(l.address_line1, ''), nullif(l.address_line2, '')), '') AS name,
       nullif(concat_ws(' ', nullif(l.city, ''), nullif(l.postal_code, '')), '') AS detail, coalesce(nullif(c.company_name, ''), k.name) AS more,
       NULL::timestamptz AS start_at, l.deleted_at,
       EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                WHERE q.entity = 'clients' AND q.external_id = l.client_external_id AND q.state IN ('open', 'waiting')) AS is_held
  FROM {schema}.gazelle_locations l
 CROSS JOIN LATERAL (SELECT concat_ws(' ', l.address_line1, l.address_line2, l.city, l.postal_code) AS text) AS said
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = l.client_external_id
  LEFT JOIN LATERAL (
       SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
         FROM {schema}.gazelle_contacts o
        WHERE o.external_id = l.contact_external_id) AS k ON true
 WHERE {matches}
 ORDER BY l.deleted_at IS NOT NULL, name, l.external_id
 LIMIT $4
