//! Reading `errors` of any shape.

use super::*;

#[test]
fn what_is_read_of_errors_is_bounded_whatever_their_shape() {
    let many = format!("[{}1]", r#"{"message":"x","path":["allClients","nodes",0]},"#.repeat(5_000));
    let errors = read_errors(&many);
    assert_eq!(errors.len(), MOST_ERRORS + 1);
    let last = errors.last().unwrap();
    assert_eq!((last.path.len(), last.message.as_str()), (0, "and 4001 more errors"), "no place is whole");

    // Parts of any size and shape: only the defined parts are kept.
    for (json, path) in [
        (format!(r#"[{{"message":"{}","path":["a"]}}]"#, "'q' ".repeat(1_000_000)), vec!["a"]),
        (format!(r#"[{{"message":"m","path":[{}0]}}]"#, "0,".repeat(1_000_000)), vec![]),
        (
            format!(r#"[{{"path":["a",1,{{}}],"extensions":[{}0]}}]"#, "1,".repeat(100_000)),
            vec!["a", "1", "?"],
        ),
        (
            format!(r#"[{{"path":["a"],"extensions":{}{}}}]"#, "[".repeat(100_000), "]".repeat(100_000)),
            vec!["a"],
        ),
        (r#"[{"message":{"not":"text"},"path":"not a list"}, "#.to_owned() + "7]", vec![]),
    ] {
        let errors = read_errors(&json);
        assert_eq!(errors[0].path, path, "{:.80}", json);
        assert!(
            errors.iter().all(|error| error.kind == GraphqlErrorKind::Other && error.message.len() < 1_000)
        );
    }
}

#[test]
fn a_value_that_is_no_list_is_one_error_and_none_is_none() {
    assert!(
        read_errors("null").is_empty() && read_errors(" null ").is_empty() && read_errors("[]").is_empty()
    );
    for (json, kind) in [
        (r#""Throttled""#, GraphqlErrorKind::Throttled),
        (r#"{"message":"Throttled"}"#, GraphqlErrorKind::Throttled),
        (r#"["Throttled"]"#, GraphqlErrorKind::Throttled),
        ("7", GraphqlErrorKind::Other),
        ("[null]", GraphqlErrorKind::Other),
    ] {
        let errors = read_errors(json);
        assert_eq!(errors.iter().map(|error| &error.kind).collect::<Vec<_>>(), [&kind], "{json}");
    }
}
