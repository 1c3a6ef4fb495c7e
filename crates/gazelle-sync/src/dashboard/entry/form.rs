//! The form that a page posts.

use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::dashboard::answer::Answer;

/// The longest body of a request, in bytes.
pub(crate) const LONGEST: usize = 8 * 1024;

/// A form, or our own answer to what is none: the framework's would lack our headers and repeat what was sent.
pub(crate) struct Posted<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Posted<T> {
    type Rejection = Answer;

    async fn from_request(request: Request, state: &S) -> Result<Posted<T>, Answer> {
        match Form::<T>::from_request(request, state).await {
            Ok(Form(form)) => Ok(Posted(form)),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Answer::text(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large"))
            }
            Err(_) => Err(Answer::text(StatusCode::BAD_REQUEST, "this is no form of this page")),
        }
    }
}
