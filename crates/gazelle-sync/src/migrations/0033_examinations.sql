-- The last examination that somebody asked for in the dashboard, however many other actions there are.
CREATE INDEX sync_actions_examined ON {schema}.sync_actions (ended_at DESC) WHERE kind = 'doctor';
