//! Finds out which table, column and constraint an error is about.

use tokio_postgres::error::DbError as ServerError;

/// What a Citus coordinator adds to the context of an error that came from a node.
const OF_NODE: &str = "while executing command on ";
/// Citus numbers its shards from here: a smaller number belongs to a user's name.
const FIRST_SHARD: u64 = 102_008;

/// The objects that the server names in an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::db) struct NamedObjects {
    pub(in crate::db) table: Option<String>,
    pub(in crate::db) column: Option<String>,
    pub(in crate::db) constraint: Option<String>,
}

impl NamedObjects {
    /// Reads the error's fields; if they are empty, its message, which is all that a Citus coordinator passes on
    /// from a node.
    pub(in crate::db) fn read(error: &ServerError) -> NamedObjects {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        let told = NamedObjects {
            table: owned(error.table()),
            column: owned(error.column()),
            constraint: owned(error.constraint()),
        };
        // The text that a user's function raises may quote the row.
        let is_ours = error.code().code().starts_with("23") && super::sqlstate::function_of(error).is_none();
        let about = match told == NamedObjects::default() && is_ours {
            true => NamedObjects::of_message(error.message()),
            false => told,
        };
        about.without_shard_of(error.where_())
    }

    /// The names in an English message; none in another language.
    fn of_message(message: &str) -> NamedObjects {
        let after = |word: &str| {
            let rest = &message[message.find(&format!("{word} \""))? + word.len() + 2..];
            rest.find('"').map(|end| rest[..end].to_owned())
        };
        NamedObjects {
            table: after("relation").or_else(|| after("table")),
            column: after("column"),
            constraint: after("constraint"),
        }
    }

    /// Removes the shard number, also where no table is named: an error of a unique constraint lacks its table, so
    /// the error's context tells whether it came from a Citus node.
    fn without_shard_of(self, context: Option<&str>) -> NamedObjects {
        let mut about = self.without_shard();
        let is_of_node = context.is_some_and(|context| context.contains(OF_NODE));
        if about.table.is_none()
            && is_of_node
            && let Some(constraint) = &mut about.constraint
            && let Some((own, shard)) = constraint.rsplit_once('_')
            && !own.is_empty()
            && is_number(shard)
            && shard.parse::<u64>().is_ok_and(|shard| shard >= FIRST_SHARD)
        {
            *constraint = own.to_owned();
        }
        about
    }

    /// Removes the shard number from a table's name on a Citus node, `gazelle_clients_102376`, and from its
    /// constraint's.
    fn without_shard(mut self) -> NamedObjects {
        let tables = crate::migrations::tables();
        let is_ours = |name: &str| tables.contains(&name);
        let Some(table) = self.table.take() else { return self };
        let (name, shard) = match table.rsplit_once('_') {
            Some((name, shard)) if !is_ours(&table) && is_ours(name) && is_number(shard) => {
                (name.to_owned(), shard)
            }
            _ => return NamedObjects { table: Some(table), ..self },
        };
        if let Some(constraint) = &mut self.constraint
            && let Some(own) = constraint.strip_suffix(shard).and_then(|own| own.strip_suffix('_'))
        {
            *constraint = own.to_owned();
        }
        NamedObjects { table: Some(name), ..self }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(table: &str, column: &str, constraint: &str) -> NamedObjects {
        let some = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        NamedObjects { table: some(table), column: some(column), constraint: some(constraint) }
    }

    #[test]
    fn names_are_read_from_what_a_coordinator_passes_on() {
        for (message, names) in [
            (
                r#"new row for relation "gazelle_clients_102376" violates check constraint "mine_102376""#,
                about("gazelle_clients", "", "mine"),
            ),
            (
                r#"null value in column "mine" of relation "gazelle_appointments_102375" violates not-null constraint"#,
                about("gazelle_appointments", "mine", ""),
            ),
            (
                r#"insert or update on table "gazelle_pianos_1" violates foreign key constraint "mine_2""#,
                about("gazelle_pianos", "", "mine_2"),
            ),
            (r#"duplicate key value violates unique constraint "mine_102376""#, about("", "", "mine_102376")),
            ("la valeur d'une clé dupliquée rompt la contrainte unique « mine »", NamedObjects::default()),
            (r#"column "open"#, about("", "", "")),
        ] {
            assert_eq!(NamedObjects::of_message(message).without_shard(), names, "{message}");
        }
    }

    #[test]
    fn a_constraint_without_its_table_loses_the_number_of_a_shard_where_a_node_of_citus_refused() {
        let of_node = Some("while executing command on 10.0.0.7:5432");
        for (context, constraint, told) in [
            (of_node, "mine_102376", "mine"),
            (
                Some("SQL statement \"…\"\nwhile executing command on db-2:5432"),
                "mine_2024_102376",
                "mine_2024",
            ),
            // Shard numbers start at 102008.
            (of_node, "mine_2024", "mine_2024"),
            (of_node, "102376", "102376"),
            (of_node, "_102376", "_102376"),
            (of_node, "mine", "mine"),
            (None, "mine_102376", "mine_102376"),
            (Some("COPY a, line 1"), "mine_102376", "mine_102376"),
        ] {
            let read = about("", "", constraint).without_shard_of(context);
            assert_eq!(read, about("", "", told), "{context:?} {constraint}");
        }
        // The error names our own table without a shard number.
        let here = about("gazelle_clients", "", "mine_102376");
        assert_eq!(here.without_shard_of(of_node), about("gazelle_clients", "", "mine_102376"));
    }

    #[test]
    fn only_the_number_of_a_shard_of_ours_is_taken_off() {
        for (table, constraint, without) in [
            ("gazelle_clients", "mine_102376", about("gazelle_clients", "", "mine_102376")),
            ("gazelle_clients_old", "mine", about("gazelle_clients_old", "", "mine")),
            ("users_table_102376", "mine_102376", about("users_table_102376", "", "mine_102376")),
            ("sync_runs_102376", "mine_102376", about("sync_runs", "", "mine")),
        ] {
            assert_eq!(about(table, "", constraint).without_shard(), without, "{table}");
        }
    }
}
