//! The grants of `pkjwt token`, and the options of each.

use std::path::Path;

use private_key_jwt::oauth::{
    CodeVerifier, DeviceAuthorizationRequest, JwtGrant, OAuthError, TokenExchange, TokenKind,
};
use private_key_jwt::{Scope, TokenRequest};
use zeroize::Zeroizing;

use crate::client::ClientOptions;
use crate::error::{Context, Failure};
use crate::fingerprint::Fingerprint;
use crate::secret::SecretSource;

/// A grant type.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum GrantName {
    /// For the client itself (RFC 6749 §4.4)
    ClientCredentials,
    /// For a user who logs in with a browser on this machine (RFC 8252); with --code, only
    /// exchange the code
    AuthorizationCode,
    /// In exchange for a refresh token (RFC 6749 §6)
    RefreshToken,
    /// For the subject of a JWT from an issuer that the server trusts (RFC 7523 §2.1)
    JwtBearer,
    /// In exchange for another token (RFC 8693)
    TokenExchange,
    /// For a user who logs in on another device (RFC 8628)
    DeviceCode,
}

impl GrantName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client-credentials",
            Self::AuthorizationCode => "authorization-code",
            Self::RefreshToken => "refresh-token",
            Self::JwtBearer => "jwt-bearer",
            Self::TokenExchange => "token-exchange",
            Self::DeviceCode => "device-code",
        }
    }
}

/// Which grant, and what it needs. A SECRET is a file, - for standard input, or env:VAR.
#[derive(clap::Args)]
#[command(next_help_heading = "Grant")]
pub(crate) struct GrantOptions {
    /// Grant type
    #[arg(long, value_enum, default_value_t = GrantName::ClientCredentials)]
    grant: GrantName,
    /// Scope to request; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Resource that the token is for, a URI (RFC 8707); may be repeated
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// authorization-code: the code, in a file, - or env:VAR
    #[arg(long, value_name = "SECRET")]
    code: Option<SecretSource>,
    /// authorization-code: the redirect URI; for a login on this machine, http on loopback
    /// [default: any free port]
    #[arg(long, value_name = "URL")]
    redirect_uri: Option<String>,
    /// authorization-code: the PKCE verifier of the code, in a file, - or env:VAR
    #[arg(long, value_name = "SECRET")]
    code_verifier: Option<SecretSource>,
    /// refresh-token: the refresh token, in a file, - or env:VAR
    #[arg(long, value_name = "SECRET")]
    refresh_token: Option<SecretSource>,
    /// jwt-bearer: the JWT, in a file, - or env:VAR
    #[arg(long, value_name = "SECRET")]
    assertion: Option<SecretSource>,
    /// token-exchange: the token of the subject of the new token, in a file, - or env:VAR
    #[arg(long, value_name = "SECRET")]
    subject_token: Option<SecretSource>,
    /// token-exchange: kind of the subject token: access_token, refresh_token, id_token, saml1,
    /// saml2, jwt or a URI [default: access_token]
    #[arg(long, value_name = "KIND", value_parser = token_kind)]
    subject_token_type: Option<TokenKind>,
    /// token-exchange: the token of the actor, who acts for the subject, in a file, - or env:VAR
    #[arg(long, value_name = "SECRET")]
    actor_token: Option<SecretSource>,
    /// token-exchange: kind of the actor token [default: access_token]
    #[arg(long, value_name = "KIND", value_parser = token_kind)]
    actor_token_type: Option<TokenKind>,
    /// token-exchange: kind of the new token
    #[arg(long, value_name = "KIND", value_parser = token_kind)]
    requested_token_type: Option<TokenKind>,
}

/// The request that the options describe.
pub(crate) enum Grant {
    /// One request to the token endpoint.
    Request(TokenRequest),
    /// A login on another device.
    Device(DeviceAuthorizationRequest),
    /// A login in a browser on this machine.
    Browser { scope: Scope, resources: Vec<String>, redirect_uri: Option<String> },
}

/// Parses a short name or any other URI (RFC 8693 §3).
fn token_kind(text: &str) -> Result<TokenKind, &'static str> {
    if text.contains(':') {
        return Ok(TokenKind::from(text));
    }
    match TokenKind::from(format!("urn:ietf:params:oauth:token-type:{text}").as_str()) {
        TokenKind::Other(_) => {
            Err("expected access_token, refresh_token, id_token, saml1, saml2, jwt or a URI")
        }
        kind => Ok(kind),
    }
}

impl GrantOptions {
    /// The secrets; one of them may be on standard input.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        [
            &self.code,
            &self.code_verifier,
            &self.refresh_token,
            &self.assertion,
            &self.subject_token,
            &self.actor_token,
        ]
        .into_iter()
        .flatten()
        .map(SecretSource::path)
    }

    /// Reads the secrets and makes the request. Adds to the fingerprint what decides which token a
    /// repeatable request gets.
    pub(crate) fn read(
        &self,
        client: &ClientOptions,
        fingerprint: &mut Fingerprint,
    ) -> Result<Grant, Failure> {
        self.check()?;
        self.describe(fingerprint);
        let request = match self.grant {
            GrantName::ClientCredentials => TokenRequest::client_credentials(()),
            GrantName::AuthorizationCode if self.code.is_some() => self.authorization_code()?,
            GrantName::AuthorizationCode => {
                let redirect_uri = self.redirect_uri.clone();
                let resources = self.resource.clone();
                return Ok(Grant::Browser { scope: self.scope(), resources, redirect_uri });
            }
            GrantName::RefreshToken => {
                let token = self.secret("--refresh-token", self.refresh_token.as_ref())?;
                TokenRequest::refresh_token(token.as_str())
            }
            GrantName::JwtBearer => {
                let jwt = self.secret("--assertion", self.assertion.as_ref())?;
                fingerprint.add("assertion", &[jwt.as_str()]);
                TokenRequest::jwt_bearer(&JwtGrant::from_jwt(jwt.as_str()))
            }
            GrantName::TokenExchange => TokenRequest::token_exchange(&self.exchange(fingerprint)?),
            GrantName::DeviceCode => {
                let request = DeviceAuthorizationRequest::new(self.scope());
                let request = add_resources(request, &self.resource, DeviceAuthorizationRequest::resource)?;
                return Ok(Grant::Device(client.parameters(request, DeviceAuthorizationRequest::parameter)?));
            }
        };
        let request = add_resources(request.scope(self.scope()), &self.resource, TokenRequest::resource)?;
        Ok(Grant::Request(client.parameters(request, parameter)?))
    }

    /// Checks that the same request can be sent again for the next token.
    pub(crate) fn check_repeatable(&self) -> Result<(), Failure> {
        let why = match self.grant {
            GrantName::ClientCredentials | GrantName::JwtBearer | GrantName::TokenExchange => return Ok(()),
            GrantName::AuthorizationCode | GrantName::DeviceCode => {
                "each token needs a new login of the user"
            }
            GrantName::RefreshToken => "the server may replace the refresh token with each use",
        };
        let name = self.grant.as_str();
        Err(Failure::usage(
            "--cache",
            format!(
                "does not work with --grant {name}, because {why}; it works with client-credentials, jwt-bearer and \
                 token-exchange"
            ),
        ))
    }

    /// What decides which token a request gets, apart from its secrets.
    fn describe(&self, fingerprint: &mut Fingerprint) {
        if self.grant != GrantName::ClientCredentials {
            fingerprint.add("grant", &[self.grant.as_str()]);
        }
        let scope = self.scope();
        // RFC 6749 §3.3 gives the order of scopes no meaning.
        let mut scopes: Vec<&str> = scope.iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        fingerprint.add("scope", &scopes);
        let mut resources = self.resource.clone();
        resources.sort_unstable();
        fingerprint.add("resource", &resources);
    }

    fn scope(&self) -> Scope {
        Scope::from(self.scope.as_slice())
    }

    /// Refuses options of another grant instead of ignoring them.
    fn check(&self) -> Result<(), Failure> {
        use GrantName::{AuthorizationCode, JwtBearer, RefreshToken, TokenExchange};
        let options = [
            ("--code", self.code.is_some(), AuthorizationCode),
            ("--redirect-uri", self.redirect_uri.is_some(), AuthorizationCode),
            ("--code-verifier", self.code_verifier.is_some(), AuthorizationCode),
            ("--refresh-token", self.refresh_token.is_some(), RefreshToken),
            ("--assertion", self.assertion.is_some(), JwtBearer),
            ("--subject-token", self.subject_token.is_some(), TokenExchange),
            ("--subject-token-type", self.subject_token_type.is_some(), TokenExchange),
            ("--actor-token", self.actor_token.is_some(), TokenExchange),
            ("--actor-token-type", self.actor_token_type.is_some(), TokenExchange),
            ("--requested-token-type", self.requested_token_type.is_some(), TokenExchange),
        ];
        if let Some((option, _, grant)) =
            options.into_iter().find(|(_, given, grant)| *given && *grant != self.grant)
        {
            return Err(Failure::usage(option, format!("is only valid with --grant {}", grant.as_str())));
        }
        if self.code_verifier.is_some() && self.code.is_none() {
            return Err(Failure::usage(
                "--code-verifier",
                "needs --code; a browser login creates its own verifier",
            ));
        }
        if self.actor_token_type.is_some() && self.actor_token.is_none() {
            return Err(Failure::usage("--actor-token-type", "needs --actor-token"));
        }
        Ok(())
    }

    fn needs<T>(&self, option: &str, value: Option<T>) -> Result<T, Failure> {
        let missing =
            || Failure::usage(format!("--grant {}", self.grant.as_str()), format!("needs {option}"));
        value.ok_or_else(missing)
    }

    fn secret(&self, option: &str, source: Option<&SecretSource>) -> Result<Zeroizing<String>, Failure> {
        self.needs(option, source)?.read(option)
    }

    fn authorization_code(&self) -> Result<TokenRequest, Failure> {
        let redirect_uri = self.needs("--redirect-uri", self.redirect_uri.as_ref())?;
        let verifier = self.needs("--code-verifier", self.code_verifier.as_ref())?;
        let code = self.secret("--code", self.code.as_ref())?;
        let verifier =
            CodeVerifier::new(verifier.read("--code-verifier")?.as_str()).context("--code-verifier")?;
        Ok(TokenRequest::authorization_code(code.as_str(), redirect_uri, &verifier))
    }

    fn exchange(&self, fingerprint: &mut Fingerprint) -> Result<TokenExchange, Failure> {
        let kind = |kind: &Option<TokenKind>| kind.clone().unwrap_or(TokenKind::AccessToken);
        let subject = self.secret("--subject-token", self.subject_token.as_ref())?;
        let subject_kind = kind(&self.subject_token_type);
        fingerprint.add("subject", &[subject.as_str(), subject_kind.as_str()]);
        let mut exchange = TokenExchange::new(subject.as_str(), subject_kind);
        if let Some(actor) = &self.actor_token {
            let (actor, actor_kind) = (actor.read("--actor-token")?, kind(&self.actor_token_type));
            fingerprint.add("actor", &[actor.as_str(), actor_kind.as_str()]);
            exchange = exchange.actor(actor.as_str(), actor_kind);
        }
        Ok(match &self.requested_token_type {
            Some(kind) => {
                fingerprint.add("requested", &[kind.as_str()]);
                exchange.requesting(kind.clone())
            }
            None => exchange,
        })
    }
}

/// Adds the resources of the command line to a request.
pub(crate) fn add_resources<R>(
    request: R,
    resources: &[String],
    add: impl Fn(R, String) -> Result<R, OAuthError>,
) -> Result<R, Failure> {
    resources.iter().cloned().try_fold(request, add).context("--resource")
}

/// Adds a parameter to a request. A `resource` is checked (RFC 8707 §2).
fn parameter(request: TokenRequest, name: String, value: String) -> Result<TokenRequest, OAuthError> {
    if name == "resource" { request.resource(value) } else { request.parameter(name, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8693_3_kinds_have_short_names_and_other_uris_stay() {
        assert_eq!(token_kind("saml2"), Ok(TokenKind::Saml2));
        assert_eq!(token_kind("urn:ietf:params:oauth:token-type:jwt"), Ok(TokenKind::Jwt));
        assert_eq!(token_kind("urn:x"), Ok(TokenKind::Other("urn:x".to_owned())));
        for wrong in ["", "access-token", "JWT", "x"] {
            assert!(token_kind(wrong).is_err(), "{wrong}");
        }
    }
}
