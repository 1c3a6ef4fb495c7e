-- What came into quarantine of late, and what was closed, however many cases there were.
CREATE INDEX sync_quarantine_first_seen ON {schema}.sync_quarantine (first_seen_at);

CREATE INDEX sync_quarantine_ended ON {schema}.sync_quarantine (closed_at)
    WHERE closed_at IS NOT NULL;
