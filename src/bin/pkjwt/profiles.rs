//! `pkjwt profiles`: the rules of each provider for client assertions, as a table.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command};
use private_key_jwt::Profile;
use private_key_jwt::oauth::{AcceptedAudience, ProfileRules};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::output;

const EXAMPLE: &str = "Examples:
  pkjwt profiles
  pkjwt profiles okta
  pkjwt profiles --json

Pass the name as --profile to assert, token, introspect, revoke, quickstart, verify, doctor and serve. A profile
refuses, before a request, what its provider is known to reject.";

/// Print the rules of each provider for client assertions, and where they come from
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Print one profile in full, with what was not confirmed
    #[arg(value_name = "NAME", value_parser = parser(), hide_possible_values = true)]
    profile: Option<Profile>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Parses the name of a profile, and lists the names in the help.
pub(crate) fn parser() -> impl TypedValueParser<Value = Profile> {
    let names = Profile::known().map(|(name, profile)| PossibleValue::new(name).help(profile.name()));
    Names::new(names).try_map(|name| name.parse::<Profile>())
}

/// Names with `-`, which the names of the library's methods have as `_`.
#[derive(Clone)]
pub(crate) struct Names(PossibleValuesParser);

impl Names {
    pub(crate) fn new(names: impl IntoIterator<Item = PossibleValue>) -> Self {
        Self(PossibleValuesParser::new(names))
    }
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let name = value.to_str().map(|name| name.replace('_', "-"));
        self.0.parse_ref(command, argument, name.as_deref().map_or(value, OsStr::new))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let wanted = |profile: &Profile| arguments.profile.as_ref().is_none_or(|wanted| wanted == profile);
    let mut profiles = Profile::known().filter(|(_, profile)| wanted(profile));
    match (&arguments.profile, arguments.json) {
        (None, true) => {
            let all: Vec<Value> = profiles.map(|(name, profile)| members(name, &profile)).collect();
            output::json(&all)
        }
        (None, false) => output::line(&table(profiles)),
        (Some(_), is_json) => {
            let Some((name, profile)) = profiles.next() else { return Ok(()) };
            if is_json {
                output::json(&members(name, &profile))
            } else {
                output::line(&lines(name, &profile))
            }
        }
    }
}

/// A table with a row for each profile, whose columns are aligned.
fn table(profiles: impl Iterator<Item = (&'static str, Profile)>) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (name, profile) in profiles {
        let row = profile.row();
        if rows.is_empty() {
            rows.push(row.iter().map(|(column, _)| (*column).to_owned()).collect());
        }
        let mut row: Vec<String> = row.into_iter().map(|(_, text)| text).collect();
        if let Some(first) = row.first_mut() {
            name.clone_into(first);
        }
        rows.push(row);
    }
    output::table(&rows)
}

/// One profile, a line for each rule.
fn lines(name: &str, profile: &Profile) -> String {
    let rules = profile.rules();
    let accepted: Vec<String> = rules.accepted_audiences().iter().map(AcceptedAudience::to_string).collect();
    let open = profile.source().and_then(|source| source.unconfirmed).unwrap_or_default();
    let more = [
        ("accepts", accepted.join(", ")),
        ("typ accepted", typs(rules).join(", ")),
        ("client_id", sent(rules.sends_client_id(), rules.requires_client_id()).to_owned()),
        ("RSA keys", format!("{} bits or more", rules.smallest_rsa_key())),
        ("note", profile.note().unwrap_or_default().to_owned()),
        ("not confirmed", open.to_owned()),
    ];
    let mut text = format!("{}\n", output::bold(&format!("{name}: {}", profile.name())));
    for (what, found) in profile.row().into_iter().skip(1).chain(more) {
        if !found.is_empty() {
            text.push_str(&format!("  {what:17} {found}\n"));
        }
    }
    text
}

fn members(name: &str, profile: &Profile) -> Value {
    let rules = profile.rules();
    let [_, (_, audience), ..] = profile.row();
    let source = profile.source();
    json!({
        "name": name,
        "provider": profile.name(),
        "audience": audience,
        "accepted_audiences": rules.accepted_audiences().iter().map(AcceptedAudience::to_string).collect::<Vec<_>>(),
        "typ": rules.media_type(),
        "accepted_typ": rules.accepted_media_types(),
        "algorithms": rules.algorithms(),
        "smallest_rsa_key": rules.smallest_rsa_key(),
        "lifetime": rules.lifetime().as_secs(),
        "longest_lifetime": rules.knows_longest_lifetime().then(|| rules.longest_lifetime().as_secs()),
        "not_before": rules.not_before().map(|set_back| set_back.as_secs()),
        "jti": sent(true, rules.requires_token_id()),
        "kid": sent(rules.sends_key_id(), rules.requires_key_id()),
        "client_id": sent(rules.sends_client_id(), rules.requires_client_id()),
        "certificate_headers": rules.certificate_headers(),
        "required_certificate_headers": rules.required_certificate_headers(),
        "note": profile.note(),
        "source": source.map(|source| source.documents),
        "date": source.map(|source| source.date),
        "unconfirmed": source.and_then(|source| source.unconfirmed),
    })
}

const fn sent(is_sent: bool, is_required: bool) -> &'static str {
    match (is_sent, is_required) {
        (_, true) => "required",
        (true, false) => "sent",
        (false, false) => "omitted",
    }
}

fn typs(rules: ProfileRules<'_>) -> Vec<&str> {
    rules.accepted_media_types().into_iter().map(|typ| typ.unwrap_or("none")).collect()
}
