-- The few deletions that wait for a decision, which every page of the dashboard counts, however many were decided.
CREATE INDEX sync_deletions_withheld ON {schema}.sync_deletions (entity, external_id)
    WHERE state = 'withheld';

-- Fields that were found unreadable of late, however long the list of warnings is.
CREATE INDEX sync_quality_warnings_unreadable ON {schema}.sync_quality_warnings (first_seen_at)
    WHERE code IN ('unreadable_field', 'unreadable_row');

-- Which entities any run knows.
CREATE INDEX sync_run_entities_entity ON {schema}.sync_run_entities (entity);
