-- How many cases were noted first, and how many closed, on each of the days that begin at the instants $1 (in their order; the
-- last is the end). Both are read by an index of their time.
SELECT moved.day, sum(moved.came)::bigint AS came, sum(moved.closed)::bigint AS closed
  FROM (SELECT width_bucket(first_seen_at, $1::timestamptz[]) AS day, 1 AS came, 0 AS closed
          FROM {schema}.sync_quarantine
         WHERE first_seen_at >= ($1::timestamptz[])[1]
         UNION ALL
        SELECT width_bucket(closed_at, $1::timestamptz[]), 0, 1
          FROM {schema}.sync_quarantine
         WHERE closed_at >= ($1::timestamptz[])[1]) AS moved
 GROUP BY moved.day
