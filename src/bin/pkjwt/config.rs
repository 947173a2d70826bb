//! The config file: TOML with one table per setup, whose members are named like options.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction};
use etcetera::BaseStrategy;
use toml::de::{DeTable, DeValue};

use crate::error::{Context, Failure};
use crate::{misplaced, settings, source};

/// The value of an option.
pub(crate) enum Value {
    /// Whether a flag is set.
    Flag(bool),
    /// The values of an option that takes any: more than one only if it may be repeated.
    Texts(Vec<OsString>),
}

impl Value {
    /// Whether the value has an effect.
    pub(crate) const fn is_set(&self) -> bool {
        !matches!(self, Self::Flag(false))
    }
}

/// A setup of the config file.
pub(crate) struct Setup {
    pub(crate) members: Vec<(String, Value)>,
    /// The file and the table, for messages.
    pub(crate) place: String,
}

/// Reads a setup of this file, or of the file in the user's directory for configuration. Every
/// member must be one of the `known` options.
pub(crate) fn read(
    file: Option<PathBuf>,
    name: &str,
    known: &BTreeMap<String, Arg>,
) -> Result<Setup, Failure> {
    /// Maximum length of a config file, in bytes.
    const MAX_LEN: usize = 1 << 20;
    let file = match file {
        Some(file) => file,
        None => etcetera::choose_base_strategy().context("--config")?.config_dir().join("pkjwt/config.toml"),
    };
    let shown = source::name(&file);
    let bytes =
        source::read(&file, MAX_LEN).map_err(|failure| failure.hint("--config names the config file"))?;
    if bytes.len() > MAX_LEN {
        return Err(Failure::usage(shown, format!("more than {MAX_LEN} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::usage(&shown, "not UTF-8"))?;
    let wrong = |span: Option<Range<usize>>, why: String| {
        let before = span.and_then(|span| text.as_bytes().get(..span.start));
        let line = before.map(|before| 1 + before.iter().filter(|byte| **byte == b'\n').count());
        Failure::usage(line.map_or_else(|| shown.clone(), |line| format!("{shown}: line {line}")), why)
    };
    let document = DeTable::parse(text).map_err(|error| wrong(error.span(), error.message().to_owned()))?;
    let document = document.get_ref();
    if let Some((member, _)) = document.iter().find(|(_, value)| !value.get_ref().is_table()) {
        let why =
            format!("`{}` is outside of a setup; begin one with [NAME]", misplaced::shown(member.get_ref()));
        return Err(wrong(Some(member.span()), why));
    }
    let Some(DeValue::Table(table)) = document.get(name).map(toml::Spanned::get_ref) else {
        let names = settings::listed(document.keys().map(|name| name.get_ref().as_ref()));
        let why = format!("no setup [{}]; the file has: {names}", misplaced::shown(name));
        return Err(Failure::usage(shown, why));
    };
    let mut members = Vec::new();
    for (member, value) in table.iter() {
        let option = known.get(member.get_ref().as_ref()).ok_or_else(|| {
            let names = settings::listed(known.keys().map(String::as_str));
            let member = misplaced::shown(member.get_ref());
            wrong(Some(value.span()), format!("unknown member `{member}`; known members: {names}"))
        })?;
        let value = of(option, value.get_ref(), file.parent())
            .map_err(|why| wrong(Some(value.span()), format!("`{}` {why}", member.get_ref())))?;
        members.push((member.get_ref().to_string(), value));
    }
    Ok(Setup { members, place: format!("{shown}: [{name}]") })
}

/// The value as one of the option. A path is relative to the directory of the file.
fn of(option: &Arg, value: &DeValue<'_>, directory: Option<&Path>) -> Result<Value, &'static str> {
    if !option.get_action().takes_values() {
        return match value {
            DeValue::Boolean(value) => Ok(Value::Flag(*value)),
            _ => Err("must be true or false"),
        };
    }
    let text = |value: &DeValue<'_>| match value {
        DeValue::String(text) if misplaced::is_file(option) => Some(located(text, directory)),
        DeValue::String(text) => Some(OsString::from(text.as_ref())),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().into()),
        _ => None,
    };
    match (value, option.get_action()) {
        (DeValue::Array(values), ArgAction::Append) => {
            let texts = values.iter().map(|value| text(value.get_ref())).collect::<Option<_>>();
            texts.map(Value::Texts).ok_or("must be a list of strings")
        }
        (value, ArgAction::Append) => {
            text(value).map(|text| Value::Texts(vec![text])).ok_or("must be a string or a list of strings")
        }
        (value, _) => text(value).map(|text| Value::Texts(vec![text])).ok_or("must be a string or a number"),
    }
}

/// A path of the config file. Standard input and variables stay what they are.
fn located(text: &str, directory: Option<&Path>) -> OsString {
    if text == "-" || text.starts_with("env:") {
        return text.into();
    }
    let home = text.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    home.unwrap_or_else(|| directory.unwrap_or(Path::new("")).join(text)).into()
}
