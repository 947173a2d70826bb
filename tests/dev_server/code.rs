//! The codes that a browser carries from the authorization endpoint (RFC 6749 §4.1.3, RFC 7636
//! §4.6).

use super::authorization::{CHALLENGE, REQUEST, authorize, code, exchange};
use super::*;

/// A code for user-1.
fn fresh_code(client: &Client) -> String {
    client.dev.log_in_as("user-1");
    let code = code(&authorize(client, &REQUEST, now()));
    client.dev.log_out();
    code
}

fn invalid_grant(description: &str) -> (u16, String, String) {
    refused(400, "invalid_grant", description)
}

const UNKNOWN: &str = "the code is unknown";
const REUSED: &str = "the code was used before; the tokens issued for it are revoked";

#[test]
fn rfc6749_4_1_2_a_code_that_comes_twice_ends_what_it_gave() {
    let client = Client::alone();
    let code = fresh_code(&client);
    let tokens = good(&client.token(&exchange(&code, &[]), at(1)));
    let other = good(&client.token(&exchange(&fresh_code(&client), &[]), at(1)));
    assert_eq!(refusal(&client.token(&exchange(&code, &[]), at(2))), invalid_grant(REUSED));
    for kind in ["access_token", "refresh_token"] {
        assert!(!client.is_active(&tokens[kind], at(2)));
        assert!(client.is_active(&other[kind], at(2)));
    }
}

#[test]
fn rfc6749_4_1_3_a_code_is_bound_to_its_client_its_address_and_its_verifier() {
    let client = Client::alone();
    let other = Client::of(&client.dev, "other");
    let wrong_verifier = "a".repeat(43);
    for (who, more, description) in [
        (&other, vec![], "the code was issued to client `client`, not to `other`"),
        (
            &client,
            vec![("redirect_uri", "http://127.0.0.1:9/cb")],
            "the redirect_uri is `http://127.0.0.1:9/cb`, but it was \
             `http://127.0.0.1:9/cb?a=b` in the authorization request",
        ),
        (
            &client,
            vec![("code_verifier", wrong_verifier.as_str())],
            "the code_verifier does not match the code_challenge of the authorization request",
        ),
        (
            &client,
            vec![("code_verifier", CHALLENGE)],
            "the code_verifier is the code_challenge itself, expected the text whose hash it is",
        ),
    ] {
        let code = fresh_code(&client);
        assert_eq!(refusal(&who.token(&exchange(&code, &more), now())), invalid_grant(description));
        // It was tried once, and is no longer valid.
        assert_eq!(refusal(&client.token(&exchange(&code, &[]), now())), invalid_grant(REUSED));
    }
    let code = fresh_code(&client);
    assert_eq!(
        refusal(&client.token(&exchange(&code, &[]), at(60))),
        invalid_grant("the code expired; codes are valid for 60 s")
    );
    assert_eq!(refusal(&client.token(&exchange("x", &[]), now())), invalid_grant(UNKNOWN));

    // A malformed request does not use up the code.
    for (more, expected) in [
        // A code with a challenge is no grant without its verifier (RFC 7636 §4.6).
        (
            ("code_verifier", ""),
            invalid_grant(
                "the form has no `code_verifier`, but the authorization request has a code_challenge",
            ),
        ),
        (
            ("code_verifier", "short"),
            invalid_request("the code verifier is not 43 to 128 of the characters A-Z a-z 0-9 - . _ ~"),
        ),
        (("redirect_uri", ""), invalid_request("the form has no `redirect_uri`")),
        (
            ("resource", "x"),
            refused(400, "invalid_target", "the resource `x` is not an absolute URI without a fragment"),
        ),
    ] {
        assert_eq!(refusal(&client.token(&exchange(&code, &[more]), now())), expected);
    }
    assert_eq!(client.token(&exchange(&code, &[]), at(59)).status(), 200);
}

#[test]
fn rfc6749_4_1_3_a_scope_in_the_exchange_of_a_code_is_ignored() {
    let client = Client::alone();
    let code = fresh_code(&client);
    let tokens = good(&client.token(&exchange(&code, &[("scope", "a openid offline_access")]), now()));
    assert_eq!((&tokens["scope"], tokens.get("id_token")), (&"a b".into(), None));
}
