-- Contacts whose name or e-mail holds the words $1 (patterns; folded as $2 and $3 say, and $5 as they are), or whose telephone number holds
-- the digits $6 (a pattern), $4 at most.
SELECT k.client_external_id AS record, k.external_id,
       nullif(concat_ws(' ', nullif(k.first_name, ''), nullif(k.middle_name, ''), nullif(k.last_name, '')), '') AS name,
       concat_ws(' · ', nullif(k.phone, ''), CASE WHEN k.mobile_phone <> k.phone THEN nullif(k.mobile_phone, '') END, nullif(k.email, '')) AS detail,
       c.company_name AS more, NULL::timestamptz AS start_at, k.deleted_at,
       EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                WHERE q.entity = 'clients' AND q.external_id = k.client_external_id AND q.state IN ('open', 'waiting')) AS is_held
  FROM {schema}.gazelle_contacts k
 CROSS JOIN LATERAL (SELECT concat_ws(' ', k.first_name, k.middle_name, k.last_name, k.email) AS text) AS said
  LEFT JOIN {schema}.gazelle_clients c ON c.external_id = k.client_external_id
 WHERE {matches}
    OR translate(k.phone, ' .-+()/', '') LIKE $6
    OR translate(k.mobile_phone, ' .-+()/', '') LIKE $6
 ORDER BY k.deleted_at IS NOT NULL, name, k.external_id
 LIMIT $4
