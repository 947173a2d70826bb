//! Options that the command line leaves out. They come from environment variables, then from a
//! setup of the config file. An option takes precedence over a variable, a variable over the config
//! file, and the config file over a default. Options that exclude each other count as one option.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command};

use crate::config::{self, Value};
use crate::error::Failure;
use crate::output;

/// The commands that act as a client. A setup holds options of these.
const CLIENT_COMMANDS: [&str; 7] =
    ["quickstart", "assert", "token", "introspect", "revoke", "cert", "doctor"];
/// Options of `verify` that the client commands have with another meaning.
const OF_VERIFY: [&str; 4] = ["audience", "issuer", "profile", "scope"];
const USE: &str = "use";
const CONFIG: &str = "config";

/// The command line with the options that it left out.
pub(crate) struct Settings {
    /// All arguments, those of the user last.
    pub(crate) arguments: Vec<OsString>,
    /// Where each added option comes from, by its name.
    origins: BTreeMap<String, String>,
}

impl Settings {
    /// How a message names an option: by its variable or its place in the config file, if the
    /// option comes from there.
    pub(crate) fn origin(&self, option: &str) -> Option<&str> {
        self.origins.get(option).map(String::as_str)
    }
}

/// Adds the options that every command has, and propagates them to the subcommands.
pub(crate) fn with_options(command: Command) -> Command {
    const HEADING: &str = "Config file";
    let option = |name: &'static str, value: &'static str| {
        Arg::new(name).long(name).value_name(value).global(true).help_heading(HEADING)
    };
    let mut command = command
        .arg(option(USE, "NAME").help("Take options from this setup of the config file"))
        .arg(option(CONFIG, "FILE").help("Config file [default: pkjwt/config.toml in the user's directory]"));
    command.build();
    command
}

/// The position of the subcommand among the arguments.
pub(crate) fn subcommand_at(arguments: &[OsString]) -> Option<usize> {
    let mut at = 1;
    loop {
        let argument = arguments.get(at)?.to_str()?;
        let Some(option) = argument.strip_prefix("--") else { return Some(at) };
        match option.split_once('=') {
            None if [USE, CONFIG].contains(&option) => at += 2,
            Some((USE | CONFIG, _)) => at += 1,
            _ => return None,
        }
    }
}

/// Completes the command line.
pub(crate) fn complete(known: &Command, arguments: Vec<OsString>) -> Result<Settings, Failure> {
    let found =
        subcommand_at(&arguments).and_then(|at| Some((at, known.find_subcommand(arguments.get(at)?)?)));
    let Some((at, command)) = found else {
        return Ok(Settings { arguments, origins: BTreeMap::new() });
    };
    let mut options = Options { command, names: Vec::new(), added: Vec::new() };
    for argument in arguments.iter().skip(1).take_while(|argument| *argument != "--") {
        if ["--help", "-h"].iter().any(|help| argument == help) {
            return Ok(Settings { arguments, origins: BTreeMap::new() });
        }
        options.names.extend(options.find(argument));
    }
    options.add_variables()?;
    if let Some(name) = options.value(USE, &arguments) {
        if CLIENT_COMMANDS.contains(&command.get_name()) {
            let file = options.value(CONFIG, &arguments).map(PathBuf::from);
            let setup = config::read(file, &name.to_string_lossy(), &members(known))?;
            options.add_setup(setup);
        } else if options.added.iter().all(|added| added.name != USE) {
            let why = format!("`pkjwt {}` takes no options from a setup", command.get_name());
            return Err(Failure::usage("--use", why));
        }
    }
    let origins = options.added.iter().map(|added| (added.name.clone(), added.origin.clone())).collect();
    let added = options.added.into_iter().flat_map(Added::into_arguments);
    let (before, after) = arguments.split_at(at + 1);
    let arguments = before.iter().cloned().chain(added).chain(after.iter().cloned()).collect();
    Ok(Settings { arguments, origins })
}

/// The members that a setup may have: the options of every command that acts as a client.
fn members(known: &Command) -> BTreeMap<String, Arg> {
    let commands = CLIENT_COMMANDS.iter().filter_map(|name| known.find_subcommand(name));
    let options = commands.flat_map(settable).filter(|(name, _)| ![USE, CONFIG].contains(name));
    options.map(|(name, option)| (name.to_owned(), option.clone())).collect()
}

/// The options of a command, except those that only print.
fn settable(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let options = command.get_arguments().filter_map(|option| Some((option.get_long()?, option)));
    options.filter(|(name, _)| !["help", "version"].contains(name))
}

/// The options of one run, from every source so far.
struct Options<'a> {
    command: &'a Command,
    /// Those on the command line.
    names: Vec<&'a str>,
    added: Vec<Added>,
}

/// An option that was not on the command line.
struct Added {
    name: String,
    value: Value,
    origin: String,
}

impl Added {
    fn into_arguments(self) -> Vec<OsString> {
        let option = OsString::from(format!("--{}", self.name));
        match self.value {
            Value::Flag(true) => vec![option],
            Value::Flag(false) => Vec::new(),
            Value::Texts(texts) => {
                let with =
                    |text: OsString| [option.as_os_str(), OsStr::new("="), &text].into_iter().collect();
                texts.into_iter().map(with).collect()
            }
        }
    }
}

impl<'a> Options<'a> {
    /// The option that an argument begins with.
    fn find(&self, argument: &OsStr) -> Option<&'a str> {
        let name = argument.to_str()?.strip_prefix("--")?;
        let name = name.split_once('=').map_or(name, |(name, _)| name);
        let is_named = |option: &&Arg| {
            option.get_long() == Some(name) || option.get_all_aliases().is_some_and(|all| all.contains(&name))
        };
        self.command.get_arguments().find(is_named)?.get_long()
    }

    /// Whether one of two options rules the other out.
    fn exclude(&self, one: &str, other: &str) -> bool {
        let option = |name| self.command.get_arguments().find(|option| option.get_long() == Some(name));
        let (Some(one), Some(other)) = (option(one), option(other)) else { return false };
        let names = |option: &Arg, other: &Arg| {
            let excluded = self.command.get_arg_conflicts_with(option);
            excluded.iter().any(|excluded| excluded.get_id() == other.get_id())
        };
        names(one, other) || names(other, one)
    }

    /// Whether the command line has the option, or one that excludes it.
    fn is_given(&self, name: &str) -> bool {
        self.names.iter().any(|given| *given == name || self.exclude(given, name))
    }

    fn add_variables(&mut self) -> Result<(), Failure> {
        for (name, option) in settable(self.command) {
            let variable = variable(self.command.get_name(), name);
            // An empty variable counts as not set: CI systems set variables that have no value.
            let Some(text) = std::env::var_os(&variable).filter(|text| !text.is_empty()) else { continue };
            if self.is_given(name) {
                continue;
            }
            let value = value(option, text).map_err(|why| Failure::usage(&variable, why))?;
            if value.is_set()
                && let Some(other) =
                    self.added.iter().find(|it| it.value.is_set() && self.exclude(&it.name, name))
            {
                let why = format!("{} and {variable} are both set; unset the second", other.origin);
                return Err(Failure::usage(self.command.get_name(), why));
            }
            self.added.push(Added { name: name.to_owned(), value, origin: variable });
        }
        Ok(())
    }

    /// Adds what neither the command line nor a variable says.
    fn add_setup(&mut self, setup: config::Setup) {
        let of_variables = self.added.len();
        for (name, value) in setup.members {
            let is_option = settable(self.command).any(|(option, _)| option == name);
            let is_set = |added: &Added| {
                added.name == name || added.value.is_set() && self.exclude(&added.name, &name)
            };
            let is_set = self.added.iter().take(of_variables).any(is_set);
            if is_option && !is_set && !self.is_given(&name) {
                let origin = format!("{}: {name}", setup.place);
                self.added.push(Added { name, value, origin });
            }
        }
    }

    /// The value of an option that the command line or a variable has.
    fn value(&self, name: &str, arguments: &[OsString]) -> Option<OsString> {
        let option = format!("--{name}");
        let mut rest = arguments.iter().take_while(|argument| *argument != "--");
        while let Some(argument) = rest.next() {
            if *argument == *option {
                return rest.next().cloned();
            }
            if let Some(value) = argument.to_str().and_then(|it| it.strip_prefix(&option)?.strip_prefix('='))
            {
                return Some(value.into());
            }
        }
        let added = self.added.iter().find(|added| added.name == name)?;
        match &added.value {
            Value::Texts(texts) => texts.first().cloned(),
            Value::Flag(_) => None,
        }
    }
}

/// The environment variable of an option.
fn variable(command: &str, option: &str) -> String {
    let command = if command == "verify" && OF_VERIFY.contains(&option) { "VERIFY_" } else { "" };
    format!("PKJWT_{command}{}", option.replace('-', "_").to_ascii_uppercase())
}

/// The value of a variable: yes or no for a flag, one value per line for an option that may be
/// repeated.
fn value(option: &Arg, text: OsString) -> Result<Value, &'static str> {
    if !option.get_action().takes_values() {
        return match text.to_str().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "1" | "yes" | "on") => Ok(Value::Flag(true)),
            Some("false" | "0" | "no" | "off") => Ok(Value::Flag(false)),
            _ => Err("expected true or false"),
        };
    }
    Ok(Value::Texts(match (option.get_action(), text.to_str()) {
        (ArgAction::Append, Some(text)) => {
            text.lines().filter(|line| !line.is_empty()).map(OsString::from).collect()
        }
        _ => vec![text],
    }))
}

/// The names of members for a message.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    output::printable(&names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subcommand_is_found_behind_the_options_of_every_command() {
        let at = |line: &str| subcommand_at(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for (line, expected) in [
            ("pkjwt token", Some(1)),
            ("pkjwt --use prod token --use dev", Some(3)),
            ("pkjwt --use=prod --config c.toml token", Some(4)),
            ("pkjwt --use", None),
            ("pkjwt --help token", None),
            ("pkjwt", None),
        ] {
            assert_eq!(at(line), expected, "{line}");
        }
    }

    #[test]
    fn a_variable_is_named_after_its_option() {
        assert_eq!(variable("token", "token-endpoint"), "PKJWT_TOKEN_ENDPOINT");
        assert_eq!(variable("verify", "issuer"), "PKJWT_VERIFY_ISSUER");
        assert_eq!(variable("verify", "ca-file"), "PKJWT_CA_FILE");
    }
}
