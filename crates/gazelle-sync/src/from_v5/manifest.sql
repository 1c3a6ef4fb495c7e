-- The manifest of a backup schema: each step of the way there, and what undoes it.
CREATE TABLE {backup}.v5_manifest (
    position integer PRIMARY KEY,
    schema   text NOT NULL,
    what     text NOT NULL,
    undo     text NOT NULL
);
