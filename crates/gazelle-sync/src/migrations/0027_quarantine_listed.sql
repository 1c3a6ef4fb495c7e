-- Cases in the order in which they are listed, so that a page costs what it shows however many there are.
CREATE INDEX sync_quarantine_listed ON {schema}.sync_quarantine
    (entity, last_seen_at DESC, external_id, staging_id);

-- Closed cases by their end, for the setting runs_retention.
CREATE INDEX sync_quarantine_closed ON {schema}.sync_quarantine (closed_at)
    WHERE state IN ('released', 'reread', 'superseded', 'withdrawn');
