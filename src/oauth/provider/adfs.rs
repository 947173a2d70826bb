//! Active Directory Federation Services 2016 and later, by its documentation (2026-11).

use super::known::TokenShape;

/// Its ID tokens have `appid` too, but another issuer.
pub(crate) const ADFS_TOKENS: TokenShape =
    TokenShape { client_id: &["appid"], permissions: &["scp"], ..TokenShape::new("adfs") };
