use super::super::claims::present;
use crate::jose::json::{Json, Members};

/// The claim of this name, if it is present. A name that begins with a slash is a JSON Pointer (RFC
/// 6901).
pub(super) fn claim<'c, 'a>(claims: &'c Members<'a>, name: &str) -> Option<&'c Json<'a>> {
    let Some(pointer) = name.strip_prefix('/') else {
        return present(claims, name);
    };
    let mut tokens = pointer.split('/').map(|token| token.replace("~1", "/").replace("~0", "~"));
    let first = claims.get(&tokens.next()?)?;
    tokens.try_fold(first, |value, token| step(value, &token)).filter(|value| !value.is_null())
}

fn step<'c, 'a>(value: &'c Json<'a>, token: &str) -> Option<&'c Json<'a>> {
    match value {
        Json::Object(members) => members.get(token),
        // RFC 6901 §4: digits without leading zeros.
        Json::Array(elements)
            if token == "0" || token.starts_with(|first: char| ('1'..='9').contains(&first)) =>
        {
            elements.get(token.parse::<usize>().ok()?)
        }
        _ => None,
    }
}
