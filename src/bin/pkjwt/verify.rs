//! `pkjwt verify`: checks a client assertion as an authorization server does, except for replay, or
//! an access token as a resource server does.

mod access_token;

use std::path::Path;
use std::time::Duration;

use private_key_jwt::dev_server::ClientKeys;
use private_key_jwt::jose::{CompactJws, UnverifiedJwt};
use private_key_jwt::oauth::Endpoint;
use private_key_jwt::transport::HttpClient;
use private_key_jwt::verifier::{BoundTo, Confirmation, VerifierError};
use private_key_jwt::{
    AccessTokenVerifier, AuthorizationServer, ClientAssertionVerifier, Discovery, JwkSet, Profile,
};
use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::assertion::duration;
use crate::error::{Context, Failure};
use crate::http::HttpOptions;
use crate::misplaced;
use crate::{output, public_keys, source};
use access_token::{AccessTokenArguments, profile_names, said, with_option};

const EXAMPLE: &str = "Examples:
  pkjwt assert --key key.pem --client-id my-client --audience https://as.example |
    pkjwt verify - --jwks jwks.json --issuer my-client --audience https://as.example --profile fapi2
  pkjwt token --issuer https://as.example --key key.pem --client-id my-client |
    pkjwt verify - --kind access-token --issuer https://as.example --audience https://api.example --scope api:read
  pkjwt verify - --kind access-token --profile entra-id --audience API_CLIENT_ID \\
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
    /// of a JWK Set [default: for an access token, those that its issuer publishes]
    #[arg(long, value_name = "FILE_OR_URL")]
    jwks: Option<String>,
    /// Expected issuer (iss): the client, or the authorization server that issued the token;
    /// may be repeated for an access token
    #[arg(long, value_name = "ISSUER", required = true, value_parser = said)]
    issuer: Vec<String>,
    /// Expected audience (aud): the authorization server, or the resource server; may be
    /// repeated for an access token
    #[arg(long, value_name = "AUDIENCE", required_unless_present = "missing_audience_from", value_parser = said)]
    audience: Vec<String>,
    /// Rules of this provider, for its access tokens or for the client assertions that it accepts
    /// [default: rfc9068 for an access token]
    #[arg(long, value_name = "NAME", value_parser = profile_names(), conflicts_with = "relaxed")]
    profile: Option<String>,
    /// Allowed clock difference, at most 60s [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = leeway)]
    leeway: Option<Duration>,
    /// Print JSON, which is the default
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    access_token: AccessTokenArguments,
    #[command(flatten)]
    http: HttpOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// A client assertion (RFC 7523); only its server knows whether it was used before
    ClientAssertion,
    /// An access token, as a resource server checks it (RFC 9068)
    AccessToken,
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
    // Every result is JSON; the option is for scripts that pass it to each command.
    let _ = arguments.json;
    let files = [Some(&arguments.jwt), arguments.jwks.as_ref()].into_iter().flatten().map(Path::new);
    source::one_stdin(files.chain(arguments.http.path()))?;
    let jwt = read(&arguments.jwt)?;
    if let Some(why) = no_jwt(jwt.trim_ascii(), is_access_token) {
        return Err(Failure::refused("verify", why));
    }
    let keys = match &arguments.jwks {
        Some(jwks) => public_keys::load(jwks)?,
        None if is_access_token => ClientKeys::JwksUrl(jwks_uri(arguments, jwt.trim_ascii())?),
        None => {
            return Err(Failure::usage(
                "--jwks",
                "is required for a client assertion: clients have no metadata",
            ));
        }
    };
    if is_access_token {
        check_access_token(arguments, jwt.trim_ascii(), keys)
    } else {
        check_client_assertion(arguments, jwt.trim_ascii(), keys)
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

fn check_client_assertion(arguments: &Arguments, jwt: &str, keys: ClientKeys) -> Result<(), Failure> {
    let issuer = only(&arguments.issuer, "--issuer")?;
    let audience = only(&arguments.audience, "--audience")?;
    let profile = arguments.assertion_profile()?;
    let mut verifier = ClientAssertionVerifier::new(audience);
    if let Some(profile) = &profile {
        verifier = verifier.longest_lifetime(profile.rules().longest_lifetime());
    }
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
    let keys = public_keys::set(keys, |url| fetch(&arguments.http, url))?;
    let verified = unverified.verify(&keys, None, OffsetDateTime::now_utc()).context("verify")?;
    if let Some(profile) = &profile {
        // The audience is the only thing that is known about the server.
        let server = AuthorizationServer::new(audience, audience).ok();
        let assertion = UnverifiedJwt::parse(jwt).context("verify")?;
        let found = profile.examine(&assertion, server.as_ref(), Endpoint::Token);
        if !found.is_empty() {
            let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
            return Err(Failure::refused("verify", texts.join("; ")));
        }
    }
    output::json(&verified.claims())
}

impl Arguments {
    /// The rules for client assertions of the profile on the command line.
    fn assertion_profile(&self) -> Result<Option<Profile>, Failure> {
        let Some(name) = &self.profile else { return Ok(None) };
        name.parse().map(Some).map_err(|_| {
            let names: Vec<&str> = Profile::known().map(|(name, _)| name).collect();
            let why = format!(
                "`{name}` has no rules for client assertions; the ones with rules are {}",
                names.join(", ")
            );
            Failure::usage("--profile", why)
        })
    }
}

/// A client assertion has one issuer and one audience.
fn only<'a>(values: &'a [String], option: &'static str) -> Result<&'a str, Failure> {
    match values {
        [value] => Ok(value),
        _ => Err(Failure::usage(option, "may be repeated only with --kind access-token")),
    }
}

fn check_access_token(arguments: &Arguments, jwt: &str, keys: ClientKeys) -> Result<(), Failure> {
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
        .profile(options.profile(arguments.profile.as_deref())?);
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
    let (keys, now) = (public_keys::set(keys, |url| fetch(&arguments.http, url))?, OffsetDateTime::now_utc());
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

fn read(jwt: &str) -> Result<Zeroizing<String>, Failure> {
    if jwt != "-" {
        return Ok(Zeroizing::new(jwt.to_owned()));
    }
    // Leaves room for surrounding white space and one byte more than is accepted.
    let bytes = source::read(Path::new(jwt), ClientAssertionVerifier::MAX_ASSERTION_LEN + 1024)?;
    let text = std::str::from_utf8(&bytes).context("standard input")?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The JWK Set in the metadata of the token's issuer. The token may only choose among the issuers
/// that the user named.
fn jwks_uri(arguments: &Arguments, jwt: &str) -> Result<String, Failure> {
    let token = UnverifiedJwt::parse(jwt).context("verify")?;
    let claimed = token.claims().get("iss").and_then(Value::as_str);
    let issuer = match arguments.issuer.as_slice() {
        [issuer] => issuer,
        issuers => issuers.iter().find(|issuer| Some(issuer.as_str()) == claimed).ok_or_else(|| {
            let claimed = claimed.map_or_else(|| "missing".to_owned(), |iss| format!("`{iss:.256}`"));
            Failure::refused("verify", format!("iss is {claimed}, expected `{}`", issuers.join("` or `")))
        })?,
    };
    let http = arguments.http.client()?;
    let mut discovery = Discovery::new(issuer);
    if arguments.http.is_unencrypted() {
        discovery = discovery.danger_allow_unencrypted();
    }
    let discovered = crate::block_on(discovery.discover_with(&http))?;
    let found = discovered.and_then(|server| Ok(server.jwks_uri()?.to_owned()));
    found.context("--issuer").map_err(|failure| failure.hint("--jwks names the keys"))
}

pub(crate) fn fetch(http: &HttpOptions, url: &str) -> Result<JwkSet, Failure> {
    let request = http::Request::get(url).header(http::header::ACCEPT, "application/json").body(Vec::new());
    let name = misplaced::shown(url);
    let request = request.context(&name)?;
    let http = http.client()?;
    let response = crate::block_on(http.send(request))?.context(&name)?;
    if response.status() != http::StatusCode::OK {
        return Err(Failure::refused(name, format!("answered {}", response.status().as_u16())));
    }
    JwkSet::from_json(response.body()).context(name)
}
