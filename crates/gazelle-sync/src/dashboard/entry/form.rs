//! The form that a page posts.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::dashboard::answer::Answer;

/// The longest body of a request, in bytes.
pub(crate) const LONGEST: usize = 8 * 1024;

/// The longest that a body may take to arrive: less than a page may, so that it is not taken for a slow database.
const LONGEST_ARRIVAL: Duration = Duration::from_secs(5);

/// A form, or our own answer to what is none: the framework's would lack our headers and repeat what was sent. Whoever runs
/// the routes puts a page in its place (`screens/trouble`).
pub(crate) struct BoundedForm<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for BoundedForm<T> {
    type Rejection = Answer;

    async fn from_request(request: Request, state: &S) -> Result<BoundedForm<T>, Answer> {
        let too_late = || Answer::text(StatusCode::REQUEST_TIMEOUT, "the form did not arrive in time");
        let too_large = || Answer::text(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large");
        let no_form = || Answer::text(StatusCode::BAD_REQUEST, "this is no form of this page");
        let refused = |status| if status == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { no_form() };
        let (head, body) = request.into_parts();
        let body = Bytes::from_request(Request::from_parts(head.clone(), body), state);
        let body = tokio::time::timeout(LONGEST_ARRIVAL, body).await.map_err(|_| too_late())?;
        let body = body.map_err(|error| refused(error.status()))?;
        // Postgres stores no such character, so nothing that is posted may hold one.
        if body.contains(&0) || body.windows(3).any(|three| three == b"%00") {
            return Err(no_form());
        }
        match Form::<T>::from_request(Request::from_parts(head, body.into()), state).await {
            Ok(Form(form)) => Ok(BoundedForm(form)),
            Err(error) => Err(refused(error.status())),
        }
    }
}
