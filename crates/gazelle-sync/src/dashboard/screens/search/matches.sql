-- Whether said.text holds the words $1 (patterns; folded as $2 and $3 say). Folding a text costs much more than the patterns $5, which
-- every text that holds the words matches as it is, but for the case of ASCII letters.
CASE WHEN lower(said.text COLLATE "C") LIKE ALL ($5::text[]) THEN {folded} LIKE ALL ($1::text[]) ELSE false END
