use std::fmt;

pub(super) const JKT: &str = "jkt";
pub(super) const X5T_S256: &str = "x5t#S256";

/// What an access token is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoundTo {
    /// A DPoP key (RFC 9449 §6).
    DpopKey,
    /// The client's certificate (RFC 8705 §3).
    Certificate,
}

impl fmt::Display for BoundTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DpopKey => "DPoP key",
            Self::Certificate => "client certificate",
        })
    }
}

impl BoundTo {
    /// The name of the member of `cnf`.
    pub(in crate::verifier) const fn member(self) -> &'static str {
        match self {
            Self::DpopKey => JKT,
            Self::Certificate => X5T_S256,
        }
    }
}
