//! What a request carries, as far as an answer may be about it and not about the client.

/// What one request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// Of everything in the request except the assertion. Outsiders choose what requests carry, so
    /// it is a keyed hash.
    pub(super) hash: u64,
    /// Whether there is nothing but scopes, which are the program's own.
    pub(super) is_of_client_alone: bool,
}
