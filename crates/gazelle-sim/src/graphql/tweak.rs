//! What faults change in an answer while it is written.

/// One change of the connections of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tweak {
    /// The root field it is for; `None` is all.
    pub root_field: Option<String>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// `endCursor` is the `after` that was asked with, and there is a next page.
    RepeatCursor,
    /// At most so many rows a page.
    ShortPage { most: usize },
    /// No rows at all, and a total of 0.
    EmptyList,
    /// `totalCount` is wrong by so much.
    TotalOff { by: i64 },
    /// The first rows of the page are null, with an error; the last are missing.
    Partial { message: String, null_nodes: usize, missing_nodes: usize },
    /// A leaf field holds another value in its first occurrences.
    Value { type_name: Option<String>, field: String, json: String, times: usize },
}
