//! The options for access tokens, and the errors that name them.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use private_key_jwt::Profile;
use private_key_jwt::verifier::{AccessTokenProfile, VerifierError};

use crate::assertion::duration;
use crate::error::Failure;
use crate::profiles::Names;

/// The options of --kind access-token.
#[derive(clap::Args)]
#[command(next_help_heading = "Options for --kind access-token")]
pub(super) struct AccessTokenArguments {
    /// Short for --profile relaxed: accept an access token that does not follow RFC 9068. An ID
    /// token with the same audience may also pass; prefer the profile of the issuer
    #[arg(long, alias = "accept-untyped", conflicts_with = "profile")]
    relaxed: bool,
    /// Accept an access token without aud if this client requested it; may be repeated. Tokens that
    /// the client obtained for other APIs also pass
    #[arg(long, value_name = "CLIENT_ID", value_parser = said)]
    pub(super) missing_audience_from: Vec<String>,
    /// Claim whose values count as scopes, in place of those of the profile: scp, roles,
    /// permissions, cognito:groups, or /realm_access/roles for a nested one; may be repeated to
    /// combine claims
    #[arg(long, value_name = "CLAIM", value_parser = said)]
    pub(super) permission_claim: Vec<String>,
    /// Scope that the access token must have; may be repeated
    #[arg(long, value_name = "SCOPE", value_parser = said)]
    pub(super) scope: Vec<String>,
    /// Accept an access token that is bound to a key (cnf) without checking the proof of that key
    #[arg(long)]
    pub(super) accept_bound: bool,
    /// Longest lifetime of the access token, such as 9000h [default: 366 days]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) longest_lifetime: Option<Duration>,
}

impl AccessTokenArguments {
    /// The first option that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [
            ("--relaxed", self.relaxed),
            ("--missing-audience-from", !self.missing_audience_from.is_empty()),
            ("--permission-claim", !self.permission_claim.is_empty()),
            ("--scope", !self.scope.is_empty()),
            ("--accept-bound", self.accept_bound),
            ("--longest-lifetime", self.longest_lifetime.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }

    /// The rules of the profile with this name, or else of the options.
    pub(super) fn profile(&self, name: Option<&str>) -> Result<AccessTokenProfile, Failure> {
        match name {
            Some(name) => ProfileName::from_str(name, false).map(ProfileName::profile).map_err(|_| {
                let names = ProfileName::value_variants().iter().filter_map(ValueEnum::to_possible_value);
                let names: Vec<String> = names.map(|name| name.get_name().to_owned()).collect();
                let why = format!(
                    "`{name}` has no rules for access tokens; the ones with rules are {}",
                    names.join(", ")
                );
                Failure::usage("--profile", why)
            }),
            None if self.relaxed => Ok(AccessTokenProfile::relaxed()),
            None => Ok(AccessTokenProfile::rfc9068()),
        }
    }
}

/// The names of profiles for either kind of JWT.
pub(super) fn profile_names() -> Names {
    let of_tokens: Vec<PossibleValue> =
        ProfileName::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
    let is_of_tokens = |name: &str| of_tokens.iter().any(|value| value.get_name() == name);
    let of_assertions = Profile::known().map(|(name, profile)| {
        let more = if is_of_tokens(name) { " and access tokens" } else { "" };
        PossibleValue::new(name).help(format!("{}: client assertions{more}", profile.name()))
    });
    let is_of_assertions = |value: &PossibleValue| Profile::known().any(|(name, _)| name == value.get_name());
    let others = of_tokens.iter().filter(|value| !is_of_assertions(value)).cloned().map(|value| {
        let help = value.get_help().map_or_else(String::new, ToString::to_string);
        value.help(format!("{help}: access tokens"))
    });
    Names::new(others.chain(of_assertions))
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

/// Refuses an empty value, such as that of an unset variable: it must not count as a missing one.
pub(super) fn said(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("the value is empty") } else { Ok(text.to_owned()) }
}

/// The error, with the command-line option in the place of the library's method.
pub(super) fn with_option(error: &VerifierError) -> Option<String> {
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
