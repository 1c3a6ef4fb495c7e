-- Pianos whose make, model, serial number, place or reference holds the words $1 (patterns; folded as $2 and $3 say, and $5 as they are), $4
-- at most.
SELECT p.external_id AS record, p.external_id, nullif(concat_ws(' ', nullif(p.make, ''), nullif(p.model, '')), '') AS name,
       concat_ws(' · ', nullif(p.serial_number, ''), nullif(p.location_text, '')) AS detail, coalesce(nullif(c.company_name, ''), k.name) AS more,
       NULL::timestamptz AS start_at, p.deleted_at,
       EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                WHERE q.entity = 'pianos' AND q.external_id = p.external_id AND q.state IN ('open', 'waiting')) AS is_held
  FROM {schema}.gazelle_pianos p
 CROSS JOIN LATERAL (SELECT concat_ws(' ', p.make, p.model, p.serial_number, p.location_text, p.reference_id) AS text) AS said
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = p.client_external_id
  LEFT JOIN LATERAL (
       SELECT nullif(concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')), '') AS name
         FROM {schema}.gazelle_contacts o
        WHERE o.external_id = c.default_contact_external_id) AS k ON true
 WHERE {matches}
 ORDER BY p.deleted_at IS NOT NULL, name, p.external_id
 LIMIT $4
