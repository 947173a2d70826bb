//! The token of a request: RFC 6750 §2.1 and RFC 9449 §7.1 within the grammar of RFC 9110 §11.4.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::scheme::Scheme;

/// What a request shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials<'a> {
    /// A token of the right syntax; nothing else has been checked.
    Token(Scheme, &'a str),
    /// None, or none of an accepted scheme.
    None,
    /// More than one, or an accepted scheme and not a token.
    Malformed(Scheme),
}

/// The scheme `DPoP` is accepted only where a proof was checked.
pub(super) fn of(headers: &HeaderMap, accepts_dpop: bool) -> Credentials<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Credentials::None,
        (Some(value), None) => read(value.as_bytes(), accepts_dpop),
        // A proxy may have checked the other one.
        (Some(_), Some(_)) => Credentials::Malformed(Scheme::Bearer),
    }
}

/// `auth-scheme 1*SP b64token`.
fn read(value: &[u8], accepts_dpop: bool) -> Credentials<'_> {
    let end = value.iter().position(|byte| !is_token(*byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(end).unwrap_or((value, &[]));
    let scheme = if scheme.eq_ignore_ascii_case(b"bearer") {
        Scheme::Bearer
    } else if accepts_dpop && scheme.eq_ignore_ascii_case(b"dpop") {
        Scheme::Dpop
    } else {
        return Credentials::None;
    };
    let start = rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len());
    match rest.split_at_checked(start) {
        Some(([_, ..], token)) if is_b64token(token) => std::str::from_utf8(token)
            .map_or(Credentials::Malformed(scheme), |token| Credentials::Token(scheme, token)),
        _ => Credentials::Malformed(scheme),
    }
}

/// RFC 9110 §5.6.2: `tchar`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 6750 §2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_b64token(token: &[u8]) -> bool {
    let of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    let length = token.iter().take_while(|byte| of_token(byte)).count();
    length > 0 && token.iter().skip(length).all(|byte| *byte == b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6750_2_1_the_scheme_in_any_case_spaces_and_one_token() {
        for value in ["Bearer aZ09-._~+/==", "bearer aZ09-._~+/==", "BEARER   aZ09-._~+/=="] {
            let token = Credentials::Token(Scheme::Bearer, "aZ09-._~+/==");
            assert_eq!(read(value.as_bytes(), false), token, "{value}");
        }
    }

    #[test]
    fn rfc6750_3_1_what_is_no_bearer_is_nothing() {
        for value in
            ["", "Basic Zm9vOmJhcg==", "Bearers a", "Bearer-a b", " Bearer a", "DPoP a.b.c", "\u{e4} a"]
        {
            assert_eq!(read(value.as_bytes(), false), Credentials::None, "{value}");
        }
    }

    #[test]
    fn rfc9449_7_1_the_scheme_dpop_counts_where_a_proof_was_checked() {
        for value in ["DPoP a.b.c", "dpop a.b.c", "DPOP  a.b.c"] {
            assert_eq!(read(value.as_bytes(), false), Credentials::None, "{value}");
            assert_eq!(read(value.as_bytes(), true), Credentials::Token(Scheme::Dpop, "a.b.c"), "{value}");
        }
        for value in ["DPoP", "DPoP ", "DPoP a b", "DPoP a,b"] {
            assert_eq!(read(value.as_bytes(), true), Credentials::Malformed(Scheme::Dpop), "{value}");
        }
        assert_eq!(read(b"DPoPs a", true), Credentials::None);
        assert_eq!(read(b"Bearer a", true), Credentials::Token(Scheme::Bearer, "a"));
    }

    #[test]
    fn rfc6750_3_1_a_bearer_without_a_token_is_malformed() {
        let values = [
            "Bearer",
            "Bearer ",
            "Bearer =",
            "Bearer a=b",
            "Bearer a b",
            "Bearer a ",
            "Bearer\ta",
            "Bearer \ta",
            "Bearer a,b",
            "Bearer a, Bearer b",
            "Bearer, Bearer b",
            "Bearer \"a\"",
            "Bearer \u{e4}",
            "Bearer a\u{e4}",
            "Bearer=a",
            "Bearer/a",
        ];
        for value in values {
            assert_eq!(read(value.as_bytes(), false), Credentials::Malformed(Scheme::Bearer), "{value}");
        }
    }
}
