//! The codes of the warnings about a run as a whole. Those of warnings about records are declared in `entities/`.

use crate::entities::warning::UNREADABLE_FIELD;
use crate::states::words;

words! {
    /// The kinds of warnings about a run, as they are stored in `sync_run_warnings`.
    RunWarningCode {
        /// The subject is an entity.
        UnreadableField = UNREADABLE_FIELD.as_str(),
        /// The subject is an entity.
        DuplicateId = "duplicate_id",
        /// The subject is an entity.
        ApiLimit = "api_limit",
        /// The subject is a list of entities.
        BookmarkInFuture = "bookmark_in_future",
        /// The subject is `API`.
        ClockSkew = "clock_skew",
        /// The subject is `staging`.
        VersionsInFuture = "versions_in_future",
        /// The subject is a table.
        KeptOldRows = "kept_old_rows",
        /// The subject is a table and what was added to it.
        TableAddition = "table_addition",
        /// The subject is `__schema`.
        SchemaUnread = "schema_unread",
        /// The subject is `Type.field` or `Type.value`.
        TypeChanged = "type_changed",
        /// The subject is `Type.value`.
        NewEnumValue = "new_enum_value",
        /// The subject is `Type.field(argument)`.
        NewArgument = "new_argument",
        /// The subject is `Type.field`.
        NewField = "new_field",
        /// The subject is `Type.value`.
        EnumValueGone = "enum_value_gone",
        /// The subject is `Type.field(argument)`.
        ArgumentGone = "argument_gone",
        /// The subject is `Type.field`.
        FieldGone = "field_gone",
        /// The subject is what is missing.
        NeededElsewhere = "needed_elsewhere",
    }
}

impl RunWarningCode {
    /// What it says of a run.
    pub fn meaning(self) -> &'static str {
        match self {
            RunWarningCode::UnreadableField => "fields of an entity could not be read, NULL in production",
            RunWarningCode::DuplicateId => "the API lists records of an entity twice",
            RunWarningCode::ApiLimit => "the API refused large queries, so that smaller ones were sent",
            RunWarningCode::BookmarkInFuture => "a bookmark lies in the future and is not used",
            RunWarningCode::ClockSkew => "the clocks of the API and of the database differ",
            RunWarningCode::VersionsInFuture => {
                "versions in staging are dated later than the database's clock"
            }
            RunWarningCode::KeptOldRows => "old rows could not be deleted; the next full sync tries again",
            RunWarningCode::TableAddition => {
                "something was added to a table of ours and affects what is written"
            }
            RunWarningCode::SchemaUnread => "the API's schema could not be read and compared",
            RunWarningCode::TypeChanged => "a field of the API has another type",
            RunWarningCode::NewEnumValue => "the API has a new value",
            RunWarningCode::NewArgument => "a field of the API has a new argument",
            RunWarningCode::NewField => "the API has a new field, which no query requests",
            RunWarningCode::EnumValueGone => "the API no longer has a value",
            RunWarningCode::ArgumentGone => "a field of the API no longer has an argument",
            RunWarningCode::FieldGone => "the API no longer has a field",
            RunWarningCode::NeededElsewhere => {
                "the API no longer has something that only other queries than those of this run use"
            }
        }
    }
}
