//! What a request carries, as far as a response may be about that and not about the client.

/// What one request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// A hash of everything in the request except the assertion. Outsiders choose what requests
    /// carry, so the hash is keyed.
    pub(super) hash: u64,
    /// Whether the request carries nothing but scopes, which the program itself chooses.
    pub(super) is_of_client_alone: bool,
}
