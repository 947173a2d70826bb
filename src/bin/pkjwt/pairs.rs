//! NAME=VALUE arguments. A value may be a secret, so errors do not repeat it.

use crate::error::Failure;
use crate::misplaced;

/// Splits one argument. `form` is its form, as the help shows it.
pub(crate) fn split<'a>(option: &str, form: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    parts.ok_or_else(|| Failure::usage(option, format!("expected {form}")))
}

/// Splits the arguments of an option, which must name each name once.
pub(crate) fn distinct<'a>(
    option: &str,
    form: &str,
    arguments: &'a [String],
) -> Result<Vec<(&'a str, &'a str)>, Failure> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for argument in arguments {
        let (name, value) = split(option, form, argument)?;
        if pairs.iter().any(|(known, _)| *known == name) {
            let name = misplaced::shown(name);
            return Err(Failure::usage(option, format!("`{name}` is given more than once")));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}
