//! Faults: what the service can be told to do wrong.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::fault_choices::{Takes, Undated};
use crate::shop::change::Change;

/// A scripted fault: which requests it is for, how many of those it lets pass first, how many it spoils, and how.
///
/// A request matches when it asks for `root_field` (if set), has the operation name `operation` (if set) and holds all of
/// `variables` (if any). A token request counts as the root field `oauthToken`. Several faults may spoil one request; of those
/// that replace the answer (an HTTP error, a hang, …) only the first added that has anything left does, and only it is used up.
///
/// In JSON all fields are on one level:
/// `{"fault": "too_many_requests", "retry_after_seconds": 2, "root_field": "allEventsBatched", "skip": 1, "times": 3}`;
/// `times` is 1 when absent, `null` is for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The root field asked for (its name, not its alias), or none for any request.
    #[serde(default)]
    pub root_field: Option<String>,
    /// The operation name asked with, or none for any.
    #[serde(default)]
    pub operation: Option<String>,
    /// Variables that must have these values.
    #[serde(default)]
    pub variables: Map<String, Json>,
    /// Matching requests to let pass first.
    #[serde(default)]
    pub skip: u64,
    /// Matching requests to spoil then; none is for ever.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn once() -> Option<u64> {
    Some(1)
}

/// What goes wrong. In JSON the name in snake case under `"fault"`, the fields beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum FaultKind {
    /// HTTP 401, as for a bad token.
    Unauthorized,
    /// HTTP 429.
    TooManyRequests {
        /// The `Retry-After` header in seconds, if it is sent.
        #[serde(default)]
        retry_after_seconds: Option<u64>,
    },
    /// HTTP 500 with a JSON body.
    ServerError,
    /// HTTP 502 with an HTML body, as a proxy answers.
    BadGateway,
    /// HTTP of any status, with any body.
    Status {
        /// The status.
        status: u16,
        /// The body, sent as JSON.
        #[serde(default)]
        body: String,
    },
    /// No answer until the client leaves.
    Hang,
    /// The answer comes later.
    Slow {
        /// By how many milliseconds.
        milliseconds: u64,
    },
    /// The connection is reset (RST) instead of an answer.
    ConnectionReset,
    /// The body is cut: `Content-Length` promises all of it, half is sent, then the connection closes.
    CutBody,
    /// The body is half of the JSON text, with a `Content-Length` that agrees.
    TruncatedJson,
    /// HTTP 200 with an HTML body.
    HtmlOk,
    /// HTTP 302.
    Redirect {
        /// Where to.
        location: String,
    },
    /// HTTP 200 with `errors` and `data: null`.
    GraphqlError {
        /// The error's message.
        message: String,
        /// The error's extensions, if any.
        #[serde(default)]
        extensions: Option<Json>,
    },
    /// The answer with an error beside it, its first nodes null and its last nodes missing (the page cursors stay).
    PartialData {
        /// The error's message.
        message: String,
        /// Nodes that are null.
        #[serde(default)]
        null_nodes: usize,
        /// Nodes that are missing.
        #[serde(default)]
        missing_nodes: usize,
    },
    /// `endCursor` is the one asked with, and `hasNextPage` is true.
    RepeatCursor,
    /// Fewer nodes than asked for; cursor and `hasNextPage` are right, so that going on gives the rest.
    ShortPage {
        /// The most nodes.
        most: usize,
    },
    /// Each page but the first lists a row of the page before in the place of one of its own: as a list does that is sorted by what
    /// many rows have alike.
    OverlappingPages {
        /// The place in the page, counted from 0, of the row that is not listed; and how many rows follow the one that is listed
        /// instead in the page before: with 0, the last row of a page is the first of the next one.
        #[serde(default)]
        at: usize,
    },
    /// No rows, and `totalCount` 0.
    EmptyList,
    /// `totalCount` is wrong.
    TotalOff {
        /// By how much; it never goes below 0.
        by: i64,
    },
    /// A leaf field holds another value, for instance an enum value that the schema does not know.
    FieldValue {
        /// The field's name.
        field: String,
        /// The type it is a field of (`PrivateEvent`), or none for any.
        #[serde(default)]
        type_name: Option<String>,
        /// The value.
        value: Json,
        /// How often in one answer; 1 unless told otherwise.
        #[serde(default = "one")]
        nodes: usize,
    },
    /// A field is gone from the schema: asking for it is the validation error `undefinedField`, and introspection does not show
    /// it as long as the fault has anything left. Usually wanted for ever.
    FieldGone {
        /// The type, for instance `PrivateEvent`.
        type_name: String,
        /// The field.
        field: String,
    },
    /// The schema has a field more; like the next two it is meant for introspection, and nobody is asked its value.
    FieldNew {
        /// The type, for instance `PrivatePiano`.
        type_name: String,
        /// The field.
        field: String,
        /// Its type as the SDL writes it: `[String!]`.
        field_type: String,
    },
    /// A field has another type in the schema; its values stay as they are.
    TypeChanged {
        /// The type that has the field.
        type_name: String,
        /// The field.
        field: String,
        /// Its new type as the SDL writes it.
        field_type: String,
    },
    /// An enum of the schema has a value more.
    EnumValueNew {
        /// The enum.
        type_name: String,
        /// The value.
        value: String,
    },
    /// The API has limits for one query. A query that exceeds one is answered with an error that says so, with the HTTP status
    /// `status` (of 500 and above: the page of a gateway); nothing is executed. Counted are the fields of a query.
    QueryLimit {
        /// The most fields; with `per_record` those of a list count as often as records are asked for.
        #[serde(default)]
        complexity: Option<u64>,
        /// See `complexity`.
        #[serde(default)]
        per_record: bool,
        /// The deepest nesting of fields.
        #[serde(default)]
        depth: Option<u64>,
        /// The most fields with an alias.
        #[serde(default)]
        aliases: Option<u64>,
        /// The most records asked for by any `first`.
        #[serde(default)]
        page_size: Option<u64>,
        /// The status of the refusal; 200 unless told otherwise.
        #[serde(default = "good_status")]
        status: u16,
        /// `extensions.code` of the refusal, if any.
        #[serde(default)]
        code: Option<String>,
    },
    /// A record cannot be given whole, wherever it is asked for: one of its fields fails, or the record as such.
    RecordFault {
        /// The record's id.
        id: String,
        /// The field that fails; none: the record, whatever is asked of it.
        #[serde(default)]
        field: Option<String>,
        /// The error's message.
        message: String,
        /// What is lost with it.
        #[serde(default)]
        takes: Takes,
    },
    /// A record is refused as such, with an error that has a code: as to an account that has lost the right to it.
    RecordRefused {
        /// The record's id.
        id: String,
        /// `extensions.code` of the error.
        code: String,
    },
    /// A text field of a record holds a byte (0xE9) that is not UTF-8.
    RawByte {
        /// The record's id.
        id: String,
        /// The field.
        field: String,
    },
    /// Where a sorted list has the records without the value that it is sorted by. Usually they are the largest, as in Postgres.
    UndatedOrder {
        /// `smallest`, or `last` whatever the direction.
        order: Undated,
    },
    /// The answer is packed by gzip, whether that was offered or not.
    Gzip {
        /// Whether `Content-Encoding` says so; true unless told otherwise.
        #[serde(default = "yes")]
        announced: bool,
    },
    /// The answer is at least this long: white space is added at its end.
    Padding {
        /// In bytes.
        bytes: usize,
    },
    /// The shop changes right after the answer was made, before it is sent: rows shift between pages.
    ChangeAfter {
        /// The changes, in order; one that cannot be made is skipped.
        changes: Vec<Change>,
    },
    /// A function of this process is called right after the answer was made (`SimControl::call_after`).
    Call,
}

fn one() -> usize {
    1
}

fn good_status() -> u16 {
    200
}

fn yes() -> bool {
    true
}

impl Fault {
    /// A fault that spoils one request, any.
    pub fn new(kind: FaultKind) -> Self {
        Self { root_field: None, operation: None, variables: Map::new(), skip: 0, times: Some(1), kind }
    }

    /// Only requests for this root field (by name, not alias).
    #[must_use]
    pub fn on_field(mut self, root_field: &str) -> Self {
        self.root_field = Some(root_field.to_owned());
        self
    }

    /// Only requests with this operation name.
    #[must_use]
    pub fn on_operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Only requests with this variable.
    #[must_use]
    pub fn on_variable(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// Spoils so many matching requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Spoils every matching request until the fault is cleared.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = None;
        self
    }
}

impl FaultKind {
    /// A field of a record that fails for good.
    pub fn field_fault(id: &str, field: &str) -> Self {
        Self::RecordFault {
            id: id.to_owned(),
            field: Some(field.to_owned()),
            message: format!("undefined method `strip' in {field}"),
            takes: Takes::Field,
        }
    }

    /// No query may have more fields than this.
    pub fn max_complexity(complexity: u64) -> Self {
        Self::QueryLimit {
            complexity: Some(complexity),
            per_record: false,
            depth: None,
            aliases: None,
            page_size: None,
            status: 200,
            code: None,
        }
    }

    /// Whether the fault stands in the place of the answer.
    pub(crate) fn replaces_answer(&self) -> bool {
        use FaultKind::*;
        matches!(
            self,
            Unauthorized
                | TooManyRequests { .. }
                | ServerError
                | BadGateway
                | Status { .. }
                | Hang
                | ConnectionReset
                | CutBody
                | TruncatedJson
                | HtmlOk
                | Redirect { .. }
                | GraphqlError { .. }
        )
    }

    /// The name used in JSON.
    pub fn name(&self) -> &'static str {
        use FaultKind::*;
        match self {
            Unauthorized => "unauthorized",
            TooManyRequests { .. } => "too_many_requests",
            ServerError => "server_error",
            BadGateway => "bad_gateway",
            Status { .. } => "status",
            Hang => "hang",
            Slow { .. } => "slow",
            ConnectionReset => "connection_reset",
            CutBody => "cut_body",
            TruncatedJson => "truncated_json",
            HtmlOk => "html_ok",
            Redirect { .. } => "redirect",
            GraphqlError { .. } => "graphql_error",
            PartialData { .. } => "partial_data",
            RepeatCursor => "repeat_cursor",
            ShortPage { .. } => "short_page",
            OverlappingPages { .. } => "overlapping_pages",
            EmptyList => "empty_list",
            TotalOff { .. } => "total_off",
            FieldValue { .. } => "field_value",
            FieldGone { .. } => "field_gone",
            FieldNew { .. } => "field_new",
            TypeChanged { .. } => "type_changed",
            EnumValueNew { .. } => "enum_value_new",
            QueryLimit { .. } => "query_limit",
            RecordFault { .. } => "record_fault",
            RecordRefused { .. } => "record_refused",
            RawByte { .. } => "raw_byte",
            UndatedOrder { .. } => "undated_order",
            Gzip { .. } => "gzip",
            Padding { .. } => "padding",
            ChangeAfter { .. } => "change_after",
            Call => "call",
        }
    }
}
