//! Faults: errors that the simulator can be told to make.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::fault_choices::{Takes, Undated};
use crate::shop::change::Change;

/// A scripted fault: which requests it matches, how many of those it skips, how many it affects, and how.
///
/// A request matches if it requests `root_field` (if set), has the operation name `operation` (if set) and contains
/// all of `variables` (if any). A token request has the root field `oauthToken`. Several faults can affect one
/// request; of those that replace the answer (an HTTP error, a hang, …) only the first that is not exhausted does,
/// and only it is used up.
///
/// In JSON all fields are on one level: `{"fault": "too_many_requests", "retry_after_seconds": 2, "root_field":
/// "allEventsBatched", "skip": 1, "times": 3}`; `times` is 1 when absent, `null` is for ever.
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
    /// Number of matching requests to skip first.
    #[serde(default)]
    pub skip: u64,
    /// Number of matching requests to affect then; `None`: all.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// The effect.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn once() -> Option<u64> {
    Some(1)
}

/// The effect of a fault. In JSON its name in snake case is under `"fault"`, with the fields beside it.
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
    /// The answer is delayed.
    Slow {
        /// By how many milliseconds.
        milliseconds: u64,
    },
    /// The connection is reset (RST) instead of an answer.
    ConnectionReset,
    /// The body is truncated: `Content-Length` announces all of it, half is sent, then the connection closes.
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
    /// The answer has an error beside its data, null in place of its first nodes, and lacks its last nodes (the
    /// page cursors stay).
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
    /// `endCursor` is the requested cursor again, and `hasNextPage` is true.
    RepeatCursor,
    /// Fewer nodes than requested; cursor and `hasNextPage` are right, so that the next pages have the rest.
    ShortPage {
        /// The most nodes.
        most: usize,
    },
    /// Each page but the first repeats a row of the previous page in place of one of its own, as in a list that is
    /// sorted by a value that many rows share.
    OverlappingPages {
        /// The index of the row that is left out, and the distance of the repeated row from the end of the previous
        /// page: with 0, the last row of a page is the first of the next one.
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
    /// A field is removed from the schema: requesting it is the validation error `undefinedField`, and
    /// introspection does not show it until the fault is exhausted. Usually `forever`.
    FieldGone {
        /// The type, for instance `PrivateEvent`.
        type_name: String,
        /// The field.
        field: String,
    },
    /// The schema has a new field; like the next two faults it is for introspection, and the field has no value.
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
    /// The API limits queries. A query over a limit gets an error that says so, with the HTTP status `status` (500
    /// and above: a gateway's HTML page); nothing is executed. Fields are counted.
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
    /// A record cannot be returned completely, wherever it is requested: one of its fields fails, or the whole
    /// record.
    RecordFault {
        /// The record's id.
        id: String,
        /// The field that fails; `None`: the record, whatever is requested of it.
        #[serde(default)]
        field: Option<String>,
        /// The error's message.
        message: String,
        /// What becomes null.
        #[serde(default)]
        takes: Takes,
    },
    /// A record is refused with an error code, as for an account that has lost the permission to read it.
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
    /// Where a sorted list has the records whose sort value is null. By default they are the largest, as in
    /// Postgres.
    UndatedOrder {
        /// `smallest`, or `last` whatever the direction.
        order: Undated,
    },
    /// The answer is compressed by gzip, whether the client accepts it or not.
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
    /// The shop changes after the answer was created and before it is sent: rows shift between pages.
    ChangeAfter {
        /// The changes, in order; impossible ones are skipped.
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
    /// A fault that affects one request, whichever comes next.
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

    /// Skips this many matching requests first.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// Affects this many matching requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Affects every matching request until the fault is removed.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = None;
        self
    }
}

impl FaultKind {
    /// A field of a record that fails permanently.
    pub fn field_fault(id: &str, field: &str) -> Self {
        Self::RecordFault {
            id: id.to_owned(),
            field: Some(field.to_owned()),
            message: format!("undefined method `strip' in {field}"),
            takes: Takes::Field,
        }
    }

    /// A limit for the number of fields in a query.
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

    /// Whether the fault replaces the answer.
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
