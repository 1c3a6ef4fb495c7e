lower(replace(replace(CASE WHEN octet_length(said.text) = length(said.text) THEN said.text
                           ELSE translate(said.text, $2, $3) END, 'œ', 'oe'), 'æ', 'ae') COLLATE "C")
