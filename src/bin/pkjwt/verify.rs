//! `pkjwt verify`: checks a client assertion as an authorization server does, except for replay, or
//! an access token as a resource server does.

use std::path::Path;
use std::time::Duration;

use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::jose::CompactJws;
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::verifier::{AccessTokenProfile, BoundTo, Confirmation, VerifierError};
use private_key_jwt::{AccessTokenVerifier, ClientAssertionVerifier, JwkSet};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::assertion::duration;
use crate::error::{Context, Failure};
use crate::misplaced;
use crate::{output, public_keys, source};

const EXAMPLE: &str = "Examples:
  pkjwt assert --key key.pem --client-id my-client --audience https://as.example |
    pkjwt verify - --jwks jwks.json --issuer my-client --audience https://as.example
  pkjwt token --issuer https://as.example --key key.pem --client-id my-client |
    pkjwt verify - --kind access-token --jwks https://as.example/jwks --issuer https://as.example \\
    --audience https://api.example --scope api:read
  pkjwt verify - --kind access-token --profile entra-id --jwks \\
    https://login.microsoftonline.com/common/discovery/v2.0/keys --audience API_CLIENT_ID \\
    --issuer https://login.microsoftonline.com/TENANT_ID/v2.0 < token

Pipe in a token that is still valid: other users of the machine can see arguments.";

/// Verify a client assertion or an access token and print its claims
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// The JWT, or - for standard input
    #[arg(value_name = "JWT")]
    jwt: String,
    /// Kind of JWT
    #[arg(long, value_enum, default_value_t = Kind::ClientAssertion)]
    kind: Kind,
    /// Public keys of the signer: a file (JWK Set, JWK, certificate or public key) or the URL
    /// of a JWK Set
    #[arg(long, value_name = "FILE_OR_URL")]
    jwks: String,
    /// Expected issuer (iss): the client, or the authorization server that issued the token;
    /// may be repeated for an access token
    #[arg(long, value_name = "ISSUER", required = true, value_parser = said)]
    issuer: Vec<String>,
    /// Expected audience (aud): the authorization server, or the resource server; may be
    /// repeated for an access token
    #[arg(long, value_name = "AUDIENCE", required_unless_present = "missing_audience_from", value_parser = said)]
    audience: Vec<String>,
    /// Allowed clock difference, at most 60s [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = leeway)]
    leeway: Option<Duration>,
    #[command(flatten)]
    access_token: AccessTokenArguments,
}

/// The options of --kind access-token.
#[derive(clap::Args)]
#[command(next_help_heading = "Options for --kind access-token")]
struct AccessTokenArguments {
    /// Rules for the access tokens of this issuer [default: rfc9068]
    #[arg(long, value_name = "NAME", value_enum)]
    profile: Option<ProfileName>,
    /// Short for --profile relaxed: accept an access token that does not follow RFC 9068. An ID
    /// token with the same audience may also pass; prefer the profile of the issuer
    #[arg(long, alias = "accept-untyped", conflicts_with = "profile")]
    relaxed: bool,
    /// Accept an access token without aud if this client requested it; may be repeated. Tokens that
    /// the client obtained for other APIs also pass
    #[arg(long, value_name = "CLIENT_ID", value_parser = said)]
    missing_audience_from: Vec<String>,
    /// Claim whose values count as scopes, in place of those of the profile: scp, roles,
    /// permissions, cognito:groups, or /realm_access/roles for a nested one; may be repeated to
    /// combine claims
    #[arg(long, value_name = "CLAIM", value_parser = said)]
    permission_claim: Vec<String>,
    /// Scope that the access token must have; may be repeated
    #[arg(long, value_name = "SCOPE", value_parser = said)]
    scope: Vec<String>,
    /// Accept an access token that is bound to a key (cnf) without checking the proof of that key
    #[arg(long)]
    accept_bound: bool,
    /// Maximum lifetime of the access token, such as 9000h [default: 366 days]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    longest_lifetime: Option<Duration>,
}

impl AccessTokenArguments {
    /// The first option that was given.
    fn given(&self) -> Option<&'static str> {
        let given = [
            ("--profile", self.profile.is_some()),
            ("--relaxed", self.relaxed),
            ("--missing-audience-from", !self.missing_audience_from.is_empty()),
            ("--permission-claim", !self.permission_claim.is_empty()),
            ("--scope", !self.scope.is_empty()),
            ("--accept-bound", self.accept_bound),
            ("--longest-lifetime", self.longest_lifetime.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }

    fn profile(&self) -> AccessTokenProfile {
        match self.profile {
            Some(name) => name.profile(),
            None if self.relaxed => AccessTokenProfile::relaxed(),
            None => AccessTokenProfile::rfc9068(),
        }
    }
}

/// The presets of [`AccessTokenProfile`].
#[derive(Clone, Copy, clap::ValueEnum)]
enum ProfileName {
    /// RFC 9068, strictly
    Rfc9068,
    /// Any issuer, with fewer checks
    Relaxed,
    /// PingOne
    PingOne,
    /// PingFederate
    PingFederate,
    /// Auth0
    Auth0,
    /// Okta, custom authorization server
    Okta,
    /// Microsoft Entra ID, tokens of version 1.0 or 2.0
    EntraId,
    /// Microsoft Entra ID, tokens of version 1.0
    EntraIdV1,
    /// Microsoft Entra ID, tokens of version 2.0
    EntraIdV2,
    /// Keycloak
    Keycloak,
    /// Active Directory Federation Services
    Adfs,
    /// Amazon Cognito
    Cognito,
    /// Spring Authorization Server
    Spring,
    /// Ory Hydra
    Hydra,
    /// The library zitadel/oidc
    Zitadel,
}

impl ProfileName {
    fn profile(self) -> AccessTokenProfile {
        match self {
            Self::Rfc9068 => AccessTokenProfile::rfc9068(),
            Self::Relaxed => AccessTokenProfile::relaxed(),
            Self::PingOne => AccessTokenProfile::ping_one(),
            Self::PingFederate => AccessTokenProfile::ping_federate(),
            Self::Auth0 => AccessTokenProfile::auth0(),
            Self::Okta => AccessTokenProfile::okta(),
            Self::EntraId => AccessTokenProfile::entra_id(),
            Self::EntraIdV1 => AccessTokenProfile::entra_id_v1(),
            Self::EntraIdV2 => AccessTokenProfile::entra_id_v2(),
            Self::Keycloak => AccessTokenProfile::keycloak(),
            Self::Adfs => AccessTokenProfile::adfs(),
            Self::Cognito => AccessTokenProfile::cognito(),
            Self::Spring => AccessTokenProfile::spring(),
            Self::Hydra => AccessTokenProfile::hydra(),
            Self::Zitadel => AccessTokenProfile::zitadel(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// A client assertion (RFC 7523); only its server knows whether it was used before
    ClientAssertion,
    /// An access token, as a resource server checks it (RFC 9068)
    AccessToken,
}

/// Refuses an empty value, such as that of an unset variable: it must not count as a missing one.
fn said(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("the value is empty") } else { Ok(text.to_owned()) }
}

/// The library would silently reduce a longer leeway to the maximum.
fn leeway(text: &str) -> Result<Duration, &'static str> {
    const LONGEST: Duration = AccessTokenVerifier::MAX_LEEWAY;
    duration(text).and_then(|leeway| if leeway <= LONGEST { Ok(leeway) } else { Err("must be at most 60s") })
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let is_access_token = arguments.kind == Kind::AccessToken;
    if let Some(option) = arguments.access_token.given().filter(|_| !is_access_token) {
        return Err(Failure::usage(option, "is only valid with --kind access-token"));
    }
    source::one_stdin([&arguments.jwt, &arguments.jwks].map(Path::new))?;
    let jwt = read(&arguments.jwt)?;
    if let Some(why) = no_jwt(jwt.trim_ascii(), is_access_token) {
        return Err(Failure::refused("verify", why));
    }
    let keys = public_keys::load(&arguments.jwks)?;
    if is_access_token {
        access_token(arguments, jwt.trim_ascii(), keys)
    } else {
        client_assertion(arguments, jwt.trim_ascii(), keys)
    }
}

/// Returns why a text cannot be a JWT, judging by its form. The text is not quoted, because it may
/// be a token or a key.
fn no_jwt(text: &str, is_access_token: bool) -> Option<&'static str> {
    let begins_with =
        |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if text.is_empty() {
        Some("the text is empty, expected a JWT")
    } else if begins_with("Bearer ") {
        Some("the text begins with `Bearer`, expected only the JWT")
    } else if text.starts_with('{') {
        Some("the text is JSON, expected only the JWT, such as the access_token of a token response")
    } else if text.starts_with(['"', '\'']) {
        Some("the JWT is in quotes; remove them")
    } else if text.contains("-----BEGIN ") {
        Some("the text is PEM, expected a JWT")
    } else if text.len() > AccessTokenVerifier::MAX_TOKEN_LEN {
        None
    } else if std::path::Path::new(text).is_file() {
        Some("the text is the name of a file, expected a JWT; pass - and the file as standard input")
    } else if text.split('.').count() == 5 {
        Some("the JWT has five parts, so it is encrypted (RFC 7516); only its recipient can read it")
    } else if is_access_token && !text.contains('.') {
        Some("the token is not a JWT (it has no dots); ask its server with pkjwt introspect")
    } else {
        None
    }
}

fn client_assertion(arguments: &Arguments, jwt: &str, keys: ClientKeys) -> Result<(), Failure> {
    let issuer = only(&arguments.issuer, "--issuer")?;
    let mut verifier = ClientAssertionVerifier::new(only(&arguments.audience, "--audience")?);
    if let Some(leeway) = arguments.leeway {
        verifier = verifier.leeway(leeway);
    }
    if jwt.len() <= ClientAssertionVerifier::MAX_ASSERTION_LEN
        && CompactJws::parse(jwt).is_ok_and(|jws| jws.header().is_typed("at+jwt"))
    {
        const WHY: &str = "the typ is `at+jwt`, so this is an access token; pass --kind access-token";
        return Err(Failure::refused("verify", WHY));
    }
    let unverified = match verifier.parse_assertion(jwt) {
        Err(error @ VerifierError::IssuerIsNotSubject { .. }) => {
            const HINT: &str = "if this is an access token, pass --kind access-token";
            return Err(Failure::refused("verify", format!("{error}; {HINT}")));
        }
        parsed => parsed.context("verify")?,
    };
    if unverified.client_id() != issuer {
        let found = unverified.client_id();
        return Err(Failure::refused("verify", format!("iss is `{found:.256}`, expected `{issuer}`")));
    }
    let keys = public_keys::set(keys, fetch)?;
    let verified = unverified.verify(&keys, None, OffsetDateTime::now_utc()).context("verify")?;
    output::json(&verified.claims())
}

/// A client assertion has one issuer and one audience.
fn only<'a>(values: &'a [String], option: &'static str) -> Result<&'a str, Failure> {
    match values {
        [value] => Ok(value),
        _ => Err(Failure::usage(option, "may be repeated only with --kind access-token")),
    }
}

fn access_token(arguments: &Arguments, jwt: &str, keys: ClientKeys) -> Result<(), Failure> {
    let options = &arguments.access_token;
    let [issuer, issuers @ ..] = arguments.issuer.as_slice() else {
        return Err(Failure::usage("--issuer", "is missing"));
    };
    let verifier = AccessTokenVerifier::without_audience(issuer, &options.missing_audience_from);
    let verifier = issuers.iter().fold(verifier, AccessTokenVerifier::accept_issuer);
    let mut verifier = arguments
        .audience
        .iter()
        .fold(verifier, AccessTokenVerifier::accept_audience)
        .profile(options.profile());
    if !options.permission_claim.is_empty() {
        verifier = verifier.permission_claims(options.permission_claim.clone());
    }
    if let Some(leeway) = arguments.leeway {
        verifier = verifier.leeway(leeway);
    }
    if options.accept_bound {
        verifier = verifier.accept_bound_without_proof();
    }
    if let Some(lifetime) = options.longest_lifetime {
        verifier = verifier.longest_lifetime(lifetime);
    }
    let (keys, now) = (public_keys::set(keys, fetch)?, OffsetDateTime::now_utc());
    let scoped = options.scope.iter().fold(verifier.clone(), AccessTokenVerifier::require_scope);
    let verified = scoped.verify(&keys, jwt, now);
    if let Err(error @ VerifierError::MissingScope { .. }) = &verified {
        let found = verifier.verify(&keys, jwt, now).context("verify")?.scope().to_string();
        let found = if found.is_empty() { "none".to_owned() } else { format!("`{found:.256}`") };
        return Err(Failure::refused("verify", format!("{error}; it has {found}")));
    }
    if let Some(why) = verified.as_ref().err().and_then(with_option) {
        return Err(Failure::refused("verify", why));
    }
    let verified = verified.context("verify")?;
    if let Some(confirmation) = verified.confirmation() {
        output::note(&format!(
            "pkjwt: the token is bound to {}; its proof was not checked",
            bound_to(confirmation)
        ));
    }
    output::json(&verified.all())
}

/// Describes what a token is bound to.
fn bound_to(confirmation: &Confirmation) -> String {
    let known = [
        confirmation.dpop_key().map(|_| format!("a {}", BoundTo::DpopKey)),
        confirmation.certificate_sha256().map(|_| format!("a {}", BoundTo::Certificate)),
    ];
    let others = confirmation.unknown_methods().iter().map(|method| format!("a key by `cnf.{method}`"));
    known.into_iter().flatten().chain(others).collect::<Vec<_>>().join(" and ")
}

/// The error, with the command-line option in the place of the library's method.
fn with_option(error: &VerifierError) -> Option<String> {
    const RELAXED: &str = "pass --profile for the issuer, or --relaxed";
    const ACCEPT_BOUND: &str = "pass --accept-bound to check the rest";
    let is_untyped = |typ: &Option<String>| typ.as_ref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    Some(match error {
        VerifierError::AccessTokenType { found, expected } if is_untyped(found) && expected.len() == 1 => {
            let found = found.as_ref().map_or_else(|| "missing".to_owned(), |typ| format!("`{typ}`"));
            format!("the typ is {found}, expected `{}`; {RELAXED}", expected.join(""))
        }
        VerifierError::AccessTokenType { found: Some(typ), .. } if typ == "client-authentication+jwt" => {
            format!("{error}; this is a client assertion: pass --kind client-assertion")
        }
        VerifierError::NotRfc9068 { claim, found, expected } => {
            format!("the claim `{claim}` is {found}, RFC 9068 requires {expected}; {RELAXED}")
        }
        VerifierError::MissingAudience { expected, clients, .. } if clients.is_empty() => format!(
            "the claim `aud` is missing, expected `{}`; --missing-audience-from accepts it by client id",
            expected.join("` or `")
        ),
        VerifierError::Unproven { to } => {
            format!("the token is bound to a {to}, and this command cannot check the proof; {ACCEPT_BOUND}")
        }
        VerifierError::UnknownConfirmation { method } => {
            format!("the token is bound to a key by `cnf.{method}`; {ACCEPT_BOUND}")
        }
        VerifierError::TokenLifetime { .. } => {
            let error = error.to_string();
            let (what, _) = error.split_once("; ").unwrap_or((&error, ""));
            format!("{what}; --longest-lifetime accepts more")
        }
        VerifierError::UnexpectedAudience { found } => {
            format!("the audience is `{found}`, expected none; pass --audience to accept one")
        }
        _ => return None,
    })
}

fn read(jwt: &str) -> Result<Zeroizing<String>, Failure> {
    if jwt != "-" {
        return Ok(Zeroizing::new(jwt.to_owned()));
    }
    // Leaves room for surrounding white space and one byte more than is accepted.
    let bytes = source::read(Path::new(jwt), ClientAssertionVerifier::MAX_ASSERTION_LEN + 1024)?;
    let text = std::str::from_utf8(&bytes).context("standard input")?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn fetch(url: &str) -> Result<JwkSet, Failure> {
    let request = http::Request::get(url).header(http::header::ACCEPT, "application/json").body(Vec::new());
    let name = misplaced::shown(url);
    let request = request.context(&name)?;
    let http = ReqwestClient::new().context("verify")?;
    let response = crate::block_on(http.send(request))?.context(&name)?;
    if response.status() != http::StatusCode::OK {
        return Err(Failure::refused(name, format!("answered {}", response.status().as_u16())));
    }
    JwkSet::from_json(response.body()).context(name)
}
