//! Secrets in the wrong place on the command line: a key where a path is expected, or a token in
//! the place of a subcommand. They are refused, and no message repeats them.

use std::error::Error as _;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use private_key_jwt::jose::SecretForm;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::output;
use crate::settings::{self, Settings};

/// Text for a message, where a path, a URL or a word is expected. A secret is named, not shown.
pub(crate) fn shown(text: &str) -> String {
    SecretForm::suspect(text).map_or_else(|| text.to_owned(), |form| format!("({form}, not shown)"))
}

/// What to do about a secret where a path is expected.
pub(crate) fn path(form: SecretForm) -> String {
    format!("expected a path, found {form}; write it to a file, or to a variable and pass env:NAME")
}

/// Options whose values are a name, `=`, and any text.
const NAMED: [&str; 2] = ["claim", "param"];

/// A value on the command line.
struct Value {
    /// How messages name it.
    place: String,
    /// The argument that it is for, if that is known.
    argument: Option<Arg>,
    text: Zeroizing<String>,
}

/// Refuses keys and tokens where none is expected, before anything reads the arguments. `origin`
/// names options that are not from the command line.
pub(crate) fn check<'a>(
    command: &Command,
    arguments: &[OsString],
    origin: impl Fn(&str) -> Option<&'a str>,
) -> Result<(), Failure> {
    for Value { place, argument, text } in values(command, arguments) {
        let id = argument.as_ref().map(|argument| argument.get_id().as_str());
        let text = match text.split_once('=') {
            Some((name, _)) if id.is_some_and(|id| NAMED.contains(&id)) => name,
            _ => text.as_str(),
        };
        let Some(form) = SecretForm::of(text) else { continue };
        match (id, form) {
            // The library masks a password in a URL, and the rest of the URL helps the user.
            (_, SecretForm::Password) => {}
            // Servers answer with JSON, and the doctor looks it up.
            (Some("explain"), SecretForm::Json) => {}
            // The code that reads the JWT says what the text is if it is not one.
            (Some("jwt"), _) => {}
            // Some servers have client ids that are JWTs (RFC 7591 §A.5.2), and `inspect` shows
            // what is in one.
            (Some("client_id" | "missing_audience_from" | "subject"), SecretForm::Jwt) => {}
            _ => {
                let is_path =
                    argument.as_ref().is_some_and(|argument| argument.get_value_names().is_some_and(is_path));
                let why =
                    if is_path { path(form) } else { format!("found {form}, which does not belong here") };
                let place = place.strip_prefix("--").and_then(&origin).unwrap_or(&place);
                return Err(Failure::usage(place, why));
            }
        }
    }
    Ok(())
}

/// Whether the value of an option is the path of a file or a directory.
pub(crate) fn is_file(option: &Arg) -> bool {
    const FILES: [&str; 5] = ["KEY", "FILE", "PEM", "SECRET", "DIR"];
    option.get_value_names().is_some_and(|names| names.iter().any(|name| FILES.contains(&name.as_str())))
}

fn is_path(names: &[clap::builder::Str]) -> bool {
    const PATHS: [&str; 9] =
        ["KEY", "FILE", "DIR", "PEM", "SECRET", "TOKEN", "FILE_OR_URL", "KEY_OR_JWT", "ID=FILE_OR_URL"];
    names.iter().any(|name| PATHS.contains(&name.as_str()))
}

/// The values of the arguments, each with its place.
fn values(command: &Command, arguments: &[OsString]) -> Vec<Value> {
    let subcommand_at = settings::subcommand_at(arguments);
    let subcommand = subcommand_at.and_then(|at| command.find_subcommand(arguments.get(at)?));
    let option = |name: &str| {
        let mut known = subcommand.unwrap_or(command).get_arguments();
        known.find(|argument| argument.get_long() == Some(name)).cloned()
    };
    let positional = |at: usize| {
        let positional = subcommand
            .filter(|_| Some(at) > subcommand_at)
            .and_then(|command| command.get_positionals().next());
        positional.cloned()
    };
    let mut values = Vec::new();
    let mut awaited: Option<Arg> = None;
    let mut is_option = true;
    for (at, argument) in arguments.iter().enumerate().skip(1) {
        let text = Zeroizing::new(argument.to_string_lossy().into_owned());
        let value = |argument: Option<Arg>, text| {
            let option = argument.as_ref().and_then(Arg::get_long).map(|name| format!("--{name}"));
            Value { place: option.unwrap_or_else(|| format!("argument {at}")), argument, text }
        };
        if let Some(argument) = awaited.take() {
            values.push(value(Some(argument), text));
            continue;
        }
        let name = text.strip_prefix("--").filter(|_| is_option);
        match name.map(|name| name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value))))
        {
            Some(("", None)) => is_option = false,
            Some((name, inside)) => {
                let argument = option(name);
                if let Some(inside) = inside {
                    values.push(value(argument.clone(), Zeroizing::new(inside.to_owned())));
                }
                // An unknown option may be a secret as a whole, because PEM begins like an option.
                match argument {
                    Some(argument) => {
                        awaited =
                            Some(argument).filter(|it| inside.is_none() && it.get_action().takes_values());
                    }
                    None => values.push(value(positional(at), text.clone())),
                }
            }
            None => values.push(value(positional(at), text)),
        }
    }
    values
}

/// Prints the message of `clap`, or a shorter one if it would repeat a possible secret.
pub(crate) fn report(error: &clap::Error, command: &Command, settings: &Settings) -> ExitCode {
    let arguments = &settings.arguments;
    let status = u8::try_from(error.exit_code()).unwrap_or(2);
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let rendered = error.render().to_string();
    let hidden = values(command, arguments).into_iter().find_map(|value| {
        let form = SecretForm::suspect(&value.text)?;
        is_in(&value.text, &rendered).then_some((form, value.text))
    });
    match hidden.filter(|_| !is_help) {
        None => match elsewhere(error, settings) {
            Some(failure) => output::note(&failure.line()),
            None => drop(error.print()),
        },
        Some((form, text)) => {
            let place = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::String(place)) if is_option(place) => place,
                _ => "arguments",
            };
            // The source is from a parser of this program, and says what is expected.
            let why = error.source().map(ToString::to_string).filter(|why| !is_in(&text, why));
            let why = why.unwrap_or_else(|| error.kind().to_string());
            output::note(&Failure::usage(place, format!("{why}; {form} is not shown")).line());
        }
    }
    ExitCode::from(status)
}

/// The error, if it is about an option that is not from the command line.
fn elsewhere(error: &clap::Error, settings: &Settings) -> Option<Failure> {
    let Some(ContextValue::String(place)) = error.get(ContextKind::InvalidArg) else { return None };
    let option = place.strip_prefix("--")?.split(' ').next()?;
    let origin = settings.origin(option)?;
    let why = match (error.source(), error.get(ContextKind::InvalidValue)) {
        (Some(why), _) => why.to_string(),
        (None, Some(ContextValue::String(value))) => format!("`{}` is no value of --{option}", shown(value)),
        (None, _) => error.kind().to_string(),
    };
    Some(Failure::usage(origin, why))
}

/// Whether a text is an option, such as `--alg <ALG>`, and not a secret that begins like one.
fn is_option(text: &str) -> bool {
    let (name, value) = text.split_once(' ').unwrap_or((text, "<>"));
    value.starts_with('<')
        && name.starts_with("--")
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && SecretForm::suspect(name).is_none()
}

/// Whether `text` contains `value` or a part of it.
fn is_in(value: &str, text: &str) -> bool {
    const PART: usize = 12;
    let parts = value.as_bytes().windows(PART);
    text.contains(value)
        || parts.into_iter().any(|part| text.as_bytes().windows(PART).any(|found| found == part))
}
