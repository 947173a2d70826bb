//! The query of a redirect (RFC 6749 §4.1.2, RFC 9207): the answer to a login.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_key_jwt::AuthorizationResponse;
use private_key_jwt_fuzz::{ISSUER, SERVER, check_error, check_line};

const STATE: &str = "af0ifjsldkj-state";

fuzz_target!(|query: &[u8]| {
    let Ok(query) = std::str::from_utf8(query) else { return };
    let values = |wanted: &str| -> Vec<String> {
        let pairs = form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).collect()
    };
    match AuthorizationResponse::from_query(query, &SERVER, STATE) {
        Ok(answer) => {
            assert_eq!(values("state"), [STATE]);
            assert_eq!(values("code"), [answer.code()]);
            assert!(!answer.code().is_empty());
            assert!(values("iss").iter().all(|iss| iss.is_empty() || iss == ISSUER));
            assert!(values("error").iter().all(String::is_empty));
            assert_eq!(format!("{answer:?}"), "AuthorizationResponse([redacted])");
        }
        Err(error) => {
            check_error(&error);
            for code in values("code").iter().filter(|code| code.len() >= 12) {
                // Unless the same text also appears in a member that is shown.
                let shown: Vec<_> =
                    ["error", "error_description", "iss"].into_iter().flat_map(values).collect();
                if !shown.iter().any(|shown| shown.contains(code.as_str())) && !ISSUER.contains(code.as_str())
                {
                    assert!(!format!("{error} {error:?}").contains(code.as_str()), "{error}");
                }
            }
            check_line(&error.to_string());
        }
    }
});
