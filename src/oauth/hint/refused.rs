//! What to do about a refusal. The server's words decide, because the error codes of RFC 6749 are
//! too coarse.

use crate::oauth::time_fault::TimeFault;
use crate::oauth::{Hint, Refusal, provider};

impl Refusal {
    /// What to do about it, if that is known. The server's own text decides if it is one of the
    /// known texts of common servers and libraries. Otherwise, the times of the assertion and the
    /// `error` code decide.
    ///
    /// ```
    /// use private_key_jwt::oauth::{Hint, OAuthError, TokenResponse};
    /// use time::OffsetDateTime;
    ///
    /// let body = r#"{"error":"invalid_client","error_description":"Invalid token audience"}"#;
    /// let response = http::Response::builder().status(400).body(body.into())?;
    /// let Err(OAuthError::Refused(refusal)) = TokenResponse::from_http(response, OffsetDateTime::UNIX_EPOCH) else {
    ///     panic!()
    /// };
    /// assert_eq!(refusal.hint(), Some(Hint::Audience));
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        let of_text = self.texts().find_map(provider::hint);
        of_text
            .filter(|hint| *hint != Hint::Unspecific)
            .or_else(|| self.hint_of_times())
            .or(of_text)
            .or_else(|| self.hint_of_code())
    }

    fn hint_of_times(&self) -> Option<Hint> {
        // What has expired is the grant, unless the client suspects the clock.
        let is_of_grant = self.error() == Some("invalid_grant");
        match self.time_fault().filter(|_| !is_of_grant) {
            Some(TimeFault::NotYetValid) => Some(Hint::NotYetValid),
            Some(TimeFault::Expired | TimeFault::NotActive) => Some(Hint::Expired),
            None => self.clock().map(|_| Hint::Expired),
        }
    }

    fn hint_of_code(&self) -> Option<Hint> {
        if self.status() == 429 {
            return Some(Hint::RateLimited);
        }
        match self.error()? {
            "invalid_client" => Some(Hint::Unspecific),
            "invalid_scope" | "invalid_target" | "invalid_resource" => Some(Hint::Scope),
            "jti_known" => Some(Hint::TokenIdReused),
            "temporarily_unavailable" => Some(Hint::RateLimited),
            "unauthorized_client" => Some(Hint::GrantType),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn refusal(status: &str, error: &str, text: &str) -> Refusal {
        let mut members = serde_json::Map::new();
        for (name, value) in [("error", error), ("error_description", text)] {
            if !value.is_empty() {
                members.insert(name.to_owned(), value.into());
            }
        }
        let body = serde_json::to_vec(&members).unwrap();
        let response = http::Response::builder().status(status).body(body).unwrap();
        Refusal::from_http(&response, OffsetDateTime::UNIX_EPOCH)
    }

    /// Texts of real servers, and the hint that each must give.
    #[test]
    fn what_servers_say_says_what_to_do() {
        let rows = include_str!("../../../testdata/refusals.tsv").lines().skip(1);
        let wrong: Vec<String> = rows
            .filter_map(|row| {
                let [server, status, error, text, expected] = *row.split('\t').collect::<Vec<_>>() else {
                    panic!("{row}")
                };
                let hint = refusal(status, error, text).hint();
                let found = hint.map(|hint| format!("{hint:?}")).unwrap_or_default();
                (found != expected).then(|| format!("{server}: {error}: {text}: {found}, not {expected}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_text_decides_before_the_times_and_the_times_before_the_code() {
        let hint = |error, text| refusal("401", error, text).hint();
        assert_eq!(hint("invalid_client", ""), Some(Hint::Unspecific));
        assert_eq!(hint("invalid_client", "Token is not active"), Some(Hint::Expired));
        assert_eq!(hint("invalid_client", "the JWT is from the future"), Some(Hint::NotYetValid));
        assert_eq!(hint("invalid_client", "AADSTS700027: expired key used"), Some(Hint::Signature));
        assert_eq!(hint("Client assertion Expected a different algorithm", ""), Some(Hint::Algorithm));
        assert_eq!(hint("invalid_scope", "no"), Some(Hint::Scope));
        // What has expired is the grant: the code or the refresh token.
        assert_eq!(hint("invalid_grant", "Token is not active"), None);
        assert_eq!(hint("invalid_request", ""), None);
        assert_eq!(refusal("429", "", "").hint(), Some(Hint::RateLimited));
        assert_eq!(hint("", ""), None);
    }
}
