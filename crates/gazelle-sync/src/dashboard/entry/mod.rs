//! Authenticates and authorizes requests: `same_origin` refuses cross-site requests, `sender` finds who sent a request
//! (`viewer`) by the cookie of a session (`cookie`), `attempts` and `passphrases` bound what signing in may cost. `form`
//! reads what a page posts. The pages that people sign in with are screens (`screens/sign_in`, `screens/enter`,
//! `screens/me`, `screens/people`).

pub(crate) mod attempts;
pub(crate) mod cookie;
pub(crate) mod form;
pub(crate) mod passphrases;
pub(crate) mod same_origin;
pub(crate) mod sender;
pub(crate) mod viewer;
