//! Which string is the audience of an assertion for a server, and where that assertion may go.

use super::below::Territory;
use super::text::safe;
use super::{Audience, AuthorizationServer, Endpoint, OAuthError};

impl AuthorizationServer {
    /// The string that an audience stands for at this server if this endpoint is called. An
    /// endpoint from a metadata document may be the audience only within the issuer's own
    /// territory.
    pub(super) fn audience<'a>(
        &'a self,
        audience: Option<&'a Audience>,
        called: Endpoint,
        territory: Territory,
    ) -> Result<&'a str, OAuthError> {
        let endpoint = match (audience, &self.issuer) {
            (Some(Audience::Exactly(url)), _) => return Ok(url),
            (Some(Audience::Issuer) | None, Some(issuer)) => return Ok(issuer),
            (Some(Audience::Issuer), None) => return Err(OAuthError::NotKnown { member: "issuer" }),
            (Some(Audience::TokenEndpoint), _) | (None, None) => &self.token_endpoint,
            (Some(Audience::CalledEndpoint), _) => self.location(called)?,
        };
        if let Some(issuer) = self.issuer.as_deref().filter(|_| endpoint.is_of_metadata())
            && !territory.includes(issuer, endpoint.url())
        {
            return Err(OAuthError::ForeignAudience { endpoint: safe(endpoint.url()), issuer: safe(issuer) });
        }
        Ok(endpoint.url())
    }

    /// Refuses to send an assertion whose audience is the token endpoint to another origin, unless
    /// the user named both endpoints. The server at that origin could use the assertion at the
    /// token endpoint.
    pub(super) fn check_token_audience(&self, called: Endpoint) -> Result<(), OAuthError> {
        let (audience, Ok(called)) = (&self.token_endpoint, self.location(called)) else { return Ok(()) };
        let is_named = !audience.is_of_metadata() && !called.is_of_metadata();
        if is_named || called.has_origin_of(audience) {
            return Ok(());
        }
        Err(OAuthError::OtherOrigin { audience: safe(audience.url()), endpoint: safe(called.url()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://as.example/t";

    fn becomes<'a>(
        server: &'a AuthorizationServer,
        audience: Option<&'a Audience>,
        called: Endpoint,
    ) -> Result<&'a str, OAuthError> {
        server.audience(audience, called, Territory::default())
    }

    fn metadata(members: &str) -> Result<AuthorizationServer, OAuthError> {
        AuthorizationServer::from_metadata(ISSUER, format!(r#"{{"issuer":"{ISSUER}",{members}}}"#).as_bytes())
    }

    #[test]
    fn an_endpoint_of_another_origin_becomes_an_audience_only_when_the_user_names_it() {
        let server = metadata(r#""token_endpoint":"https://evil.example/token""#).unwrap();
        for audience in [Audience::TokenEndpoint, Audience::CalledEndpoint] {
            assert!(matches!(
                becomes(&server, Some(&audience), Endpoint::Token),
                Err(OAuthError::ForeignAudience { .. })
            ));
        }
        assert_eq!(becomes(&server, None, Endpoint::Token).unwrap(), ISSUER);
        let named = Audience::Exactly("https://evil.example/token".to_owned());
        assert_eq!(becomes(&server, Some(&named), Endpoint::Token).unwrap(), "https://evil.example/token");
        let by_hand = AuthorizationServer::new(ISSUER, "https://login.example//token").unwrap();
        assert_eq!(
            becomes(&by_hand, Some(&Audience::TokenEndpoint), Endpoint::Token).unwrap(),
            "https://login.example//token"
        );
    }

    #[test]
    fn an_endpoint_not_below_the_issuer_is_an_audience_only_if_the_user_says_so() {
        const OTHER: &str = "https://as.example/t2/token";
        let server =
            metadata(&format!(r#""token_endpoint":"{OTHER}","revocation_endpoint":"{OTHER}""#)).unwrap();
        for (wanted, called) in [
            (Audience::TokenEndpoint, Endpoint::Token),
            (Audience::TokenEndpoint, Endpoint::Revocation),
            (Audience::CalledEndpoint, Endpoint::Token),
            (Audience::CalledEndpoint, Endpoint::Revocation),
        ] {
            let refused = becomes(&server, Some(&wanted), called).unwrap_err();
            assert_eq!(
                refused.to_string(),
                "the endpoint https://as.example/t2/token is not below the issuer https://as.example/t, so it may belong to \
                 another issuer; if it is right, set it with Audience::Exactly or AuthorizationServer::with_endpoint"
            );
            let named = server.clone().with_endpoint(called, OTHER).unwrap();
            let found = becomes(&named, Some(&wanted), called);
            assert_eq!(found.is_ok(), wanted == Audience::CalledEndpoint || called == Endpoint::Token);
        }
        // Without an issuer there is nothing to compare with: the user named the endpoint.
        let server = AuthorizationServer::from_token_endpoint(OTHER).unwrap();
        assert_eq!(becomes(&server, None, Endpoint::Token).unwrap(), OTHER);
    }

    #[test]
    fn an_assertion_for_the_token_endpoint_goes_to_its_origin_only() {
        let members = r#""token_endpoint":"https://as.example/t/token",
            "introspection_endpoint":"https://as.example/t/introspect",
            "revocation_endpoint":"https://evil.example/revoke",
            "device_authorization_endpoint":"https://as.example:8443/t/device""#;
        let server = metadata(members).unwrap();
        server.check_token_audience(Endpoint::Token).unwrap();
        server.check_token_audience(Endpoint::Introspection).unwrap();
        let refused = server.check_token_audience(Endpoint::Revocation).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the audience https://as.example/t/token and the endpoint https://evil.example/revoke have different origins; \
             if both are right, set the audience with Audience::Exactly"
        );
        assert!(matches!(
            server.check_token_audience(Endpoint::DeviceAuthorization),
            Err(OAuthError::OtherOrigin { .. })
        ));
        // The user named one endpoint, the metadata named the other.
        let half = server.clone().with_endpoint(Endpoint::Revocation, "https://evil.example/revoke").unwrap();
        assert!(half.check_token_audience(Endpoint::Revocation).is_err());
        let half = server.with_endpoint(Endpoint::Token, "https://as.example/t/token").unwrap();
        assert!(half.check_token_audience(Endpoint::Revocation).is_err());
        // The user named both.
        let both = half.with_endpoint(Endpoint::Revocation, "https://other.example/revoke").unwrap();
        both.check_token_audience(Endpoint::Revocation).unwrap();
    }

    #[test]
    fn each_endpoint_is_its_own_audience_where_the_called_one_is_wanted() {
        let names = Endpoint::ALL.map(Endpoint::metadata_name);
        let members = names.map(|name| format!(r#""{name}":"https://as.example/t/{name}""#)).join(",");
        let server = metadata(&members).unwrap();
        for (endpoint, name) in Endpoint::ALL.into_iter().zip(names) {
            let url = format!("https://as.example/t/{name}");
            assert_eq!(server.endpoint(endpoint).unwrap(), url);
            assert_eq!(becomes(&server, Some(&Audience::CalledEndpoint), endpoint).unwrap(), url);
            assert_eq!(becomes(&server, Some(&Audience::Issuer), endpoint).unwrap(), ISSUER);
            assert_eq!(becomes(&server, None, endpoint).unwrap(), ISSUER);
            let token_endpoint = becomes(&server, Some(&Audience::TokenEndpoint), endpoint).unwrap();
            assert_eq!(token_endpoint, "https://as.example/t/token_endpoint");
        }
        let server = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
        for endpoint in &Endpoint::ALL[1..] {
            let member = endpoint.metadata_name();
            assert!(
                matches!(server.endpoint(*endpoint), Err(OAuthError::NotKnown { member: found }) if found == member)
            );
            let other = server.clone().with_endpoint(*endpoint, "https://as.example/other").unwrap();
            assert_eq!(other.endpoint(*endpoint).unwrap(), "https://as.example/other");
        }
        let refused = server.with_endpoint(Endpoint::Revocation, "http://as.example/revoke");
        assert!(matches!(refused, Err(OAuthError::Endpoint { endpoint: "revocation_endpoint", .. })));
    }

    #[test]
    fn with_only_a_token_endpoint_that_is_the_audience() {
        let server = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
        assert_eq!(becomes(&server, None, Endpoint::Token).unwrap(), "https://as.example/token");
        assert!(matches!(
            becomes(&server, Some(&Audience::Issuer), Endpoint::Token),
            Err(OAuthError::NotKnown { member: "issuer" })
        ));
        assert!(matches!(server.jwks_uri(), Err(OAuthError::NotKnown { member: "jwks_uri" })));
    }
}
