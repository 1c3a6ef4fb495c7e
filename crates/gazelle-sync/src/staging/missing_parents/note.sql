-- Inserts or updates how often and when ($4) parents were requested, and when they are requested next.
INSERT INTO {schema}.sync_missing_parents (parent_table, external_id, asks, last_asked_at, next_ask_at)
SELECT parent_table, external_id, asks, $4, next_ask_at
  FROM unnest($1::text[], $2::text[], $3::int[], $5::timestamptz[])
       AS missing (parent_table, external_id, asks, next_ask_at)
ON CONFLICT (parent_table, external_id) DO UPDATE
   SET asks = EXCLUDED.asks, last_asked_at = EXCLUDED.last_asked_at, next_ask_at = EXCLUDED.next_ask_at
RETURNING 1
