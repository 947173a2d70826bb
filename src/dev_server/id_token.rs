//! ID tokens (OpenID Connect Core §2): they tell the client which user has logged in.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::grant::Grant;
use super::inner::Inner;
use crate::jose::base64url;
use crate::oauth::{JwtBuilder, OAuthError, SignedJwt};

/// The scope that requests an ID token (§3.1.2.1).
pub(super) const SCOPE: &str = "openid";

/// `claims_supported`.
pub(super) const CLAIMS: [&str; 8] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"];

/// `typ`, which distinguishes an ID token from an access token (RFC 8725 §3.11).
const MEDIA_TYPE: &str = "JWT";

/// Signs the ID token that accompanies an access token, if the grant is a user's and has the scope
/// `openid`.
pub(super) fn issue(
    server: &Inner,
    grant: &Grant,
    nonce: Option<&str>,
    access_token: &str,
    now: OffsetDateTime,
) -> Result<Option<SignedJwt>, OAuthError> {
    let Some(authenticated) = grant.authenticated.filter(|_| grant.access.has_scope(SCOPE)) else {
        return Ok(None);
    };
    let issued = now.unix_timestamp();
    let mut token = JwtBuilder::new(MEDIA_TYPE)
        .claim("iss", server.issuer.as_str())
        .claim("sub", grant.subject.as_str())
        .claim("aud", grant.client_id.as_str())
        .claim("exp", issued.saturating_add(server.token_lifetime.whole_seconds()))
        .claim("iat", issued)
        .claim("auth_time", authenticated.unix_timestamp())
        .claim("at_hash", access_token_hash(access_token));
    if let Some(nonce) = nonce {
        token = token.claim("nonce", nonce);
    }
    token.sign(server.keys.id_token().private()?).map(Some)
}

/// `at_hash` (§3.1.3.6): the left half of the token's hash, by the hash function of RS256 and
/// PS256.
fn access_token_hash(token: &str) -> String {
    let hash = Sha256::digest(token.as_bytes());
    let (left, _) = hash.split_at(hash.len() / 2);
    base64url::encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oidc_core_3_1_3_6_the_hash_is_the_left_half() {
        // The access token and the at_hash of OpenID Connect Core, A.3 and A.4.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(access_token_hash(token), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
