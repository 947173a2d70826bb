//! Other JWTs that a client signs with the key of its assertions (RFC 8725 §3.12), and empty
//! settings.

use super::*;

const TYPED: &str = "client-authentication+jwt";

/// The header of an assertion of this type; `None` for none.
fn typed(typ: Option<&str>) -> Value {
    match typ {
        Some(typ) => with(good_header(), "typ", json!(typ)),
        None => without(good_header(), "typ"),
    }
}

#[test]
fn rfc8725_3_11_the_type_of_every_other_kind_is_refused() {
    for typ in [
        "authorization-grant+jwt",
        "application/authorization-grant+jwt",
        "oauth-id-jag+jwt",
        "oauth-authz-req+jwt",
        "oauth-client-attestation+jwt",
        "oauth-client-attestation-pop+jwt",
        "token-introspection+jwt",
        "id_token+jwt",
        "entity-statement+jwt",
        "vc+sd-jwt",
        "dc+sd-jwt",
        "kb+jwt",
        "at+jwt",
        "application/at+jwt",
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "JOSE",
        "jwt+JWT",
        "JWT;x=y",
        " JWT",
        "JWT\u{200b}",
        "application/application/JWT",
    ] {
        let error = header_error(&typed(Some(typ)));
        assert!(matches!(error, VerifierError::MediaType { .. }), "{typ}: {error:?}");
    }
}

/// An untyped JWT of the client with `iss` = `sub` = its id, made for another purpose.
#[test]
fn rfc9101_10_8_a_jwt_for_another_purpose_is_no_client_assertion() {
    const GRANT: &str = "an authorization grant, an access token or a request object";
    const REQUEST: &str = "a request object";
    for (claim, value, kind) in [
        // The grant of RFC 7523 §2.1, as Google's service accounts and Maskinporten's clients write
        // it.
        ("scope", json!("api:read"), GRANT),
        ("scope", json!(["api:read"]), GRANT),
        ("client_id", json!("another"), GRANT),
        ("client_id", json!(["client"]), GRANT),
        ("response_type", json!("code"), REQUEST),
        ("redirect_uri", json!("https://app.example/cb"), REQUEST),
        ("code_challenge", json!("x"), REQUEST),
        ("request_uri", json!("urn:x"), REQUEST),
        ("login_hint", json!("user"), REQUEST),
        ("nonce", json!("n"), "an ID token or a request object"),
        ("at_hash", json!("x"), "an ID token"),
        ("c_hash", json!("x"), "an ID token"),
        ("s_hash", json!("x"), "an ID token"),
        ("act", json!({"sub": "a"}), "a token that was exchanged"),
        ("may_act", json!({"sub": "a"}), "a token that was exchanged"),
        ("cnf", json!({"jkt": "x"}), "a token that is bound to a key"),
        (
            "events",
            json!({"http://schemas.openid.net/event/backchannel-logout": {}}),
            "a security event or logout token",
        ),
        ("token_introspection", json!({"active": true}), "a response to introspection"),
        ("htm", json!("POST"), "a DPoP proof"),
        ("htu", json!("https://as.example/token"), "a DPoP proof"),
        ("vp", json!({}), "a verifiable presentation"),
        ("vc", json!({}), "a verifiable credential"),
    ] {
        let claims = with(good_claims(), claim, value);
        for header in [typed(None), typed(Some("JWT")), typed(Some("application/jwt"))] {
            let error = clean(verdict(&header, &claims).unwrap_err());
            assert_eq!(
                error.to_string(),
                format!(
                    "the claim `{claim}` belongs to {kind}; a client assertion with it needs the typ `{TYPED}`"
                )
            );
        }
        // A JWT with a `typ` may have more claims.
        assert!(verdict(&typed(Some(TYPED)), &claims).is_ok(), "{claim}");
        assert!(verdict(&typed(None), &with(claims, claim, json!(null))).is_ok(), "{claim}");
    }
    // Claims that clients do put into untyped assertions: their own id, HelseID's details, UDAP's
    // extensions.
    for (claim, value) in [
        ("client_id", json!("client")),
        ("authorization_details", json!([{"type": "helseid_authorization"}])),
        ("extensions", json!({"hl7-b2b": {"version": "1"}})),
        ("assertion_details", json!({})),
        ("tenant", json!("t")),
    ] {
        assert!(verdict(&typed(None), &with(good_claims(), claim, value)).is_ok(), "{claim}");
    }
    // As with the other claims, the error comes only after the signature is verified.
    let good = signed(&typed(None).to_string(), &with(good_claims(), "scope", json!("a")).to_string());
    let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, encode([1; 64]));
    let error = clean(check(&ClientAssertionVerifier::new(ISSUER), &forged).unwrap_err());
    assert!(matches!(error, VerifierError::Key(KeyError::BadSignature)), "{error:?}");
}

/// The grant that this crate's own client makes.
#[test]
fn rfc7523_2_1_a_grant_is_no_client_assertion() {
    use private_key_jwt::oauth::JwtGrant;
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let grant = |subject: &str, typ: Option<&str>| {
        let builder = JwtGrant::builder("client", subject, &server).unwrap().media_type(typ);
        builder.claim("scope", "a").unwrap().sign(&signing_key(), now(), "j").unwrap().secret().to_owned()
    };
    for (token, text) in [
        (grant("user-1", Some("JWT")), "iss is `client`, sub is `user-1`; both must be the client id"),
        (
            grant("client", Some("JWT")),
            "the claim `scope` belongs to an authorization grant, an access token or a request object; \
             a client assertion with it needs the typ `client-authentication+jwt`",
        ),
        (
            grant("client", Some("authorization-grant+jwt")),
            "the typ is `authorization-grant+jwt`, expected `client-authentication+jwt`, `JWT` or none",
        ),
    ] {
        let error = check(&ClientAssertionVerifier::new(ISSUER), &token).unwrap_err();
        assert_eq!(clean(error).to_string(), text);
    }
}

#[test]
fn rfc8725_3_12_one_jwt_of_a_form_is_for_one_purpose() {
    let token = signed(&good_header().to_string(), &good_claims().to_string());
    let verifier = ClientAssertionVerifier::new(ISSUER);
    let escaped: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let parse = |other: &str, first: bool| {
        let own = format!("client_assertion={token}&client_assertion_type={CLIENT_ASSERTION_TYPE}");
        let form = if first { format!("{other}&{own}") } else { format!("{own}&{other}") };
        verifier.parse(form.as_bytes()).map(|unverified| unverified.client_id().to_owned()).map_err(clean)
    };
    for first in [true, false] {
        for name in ["assertion", "subject_token", "actor_token"] {
            for value in [&token, &escaped] {
                let error = parse(&format!("{name}={value}"), first).unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!("the client_assertion is also the `{name}`; each needs its own JWT")
                );
            }
            assert_eq!(parse(&format!("{name}={token}x"), first).unwrap(), "client");
            assert_eq!(parse(&format!("{name}="), first).unwrap(), "client");
        }
        assert_eq!(parse(&format!("other={token}"), first).unwrap(), "client");
    }
}

#[test]
fn an_empty_setting_is_no_check_that_is_off() {
    for blank in ["", " ", "\t\r\n", "\u{2003}", "\0"] {
        let no_issuer = ClientAssertionVerifier::new(blank);
        let no_audience = ClientAssertionVerifier::new(ISSUER)
            .audience_policy(AudiencePolicy::compatible(["https://as.example/token", blank]));
        for (verifier, setting) in [(&no_issuer, "issuer"), (&no_audience, "audience_policy")] {
            for aud in [json!(blank), json!([blank]), json!(ISSUER), json!("")] {
                let token = signed(&good_header().to_string(), &with(good_claims(), "aud", aud).to_string());
                let form = format!("client_assertion={token}&client_assertion_type={CLIENT_ASSERTION_TYPE}");
                for error in
                    [check(verifier, &token).unwrap_err(), verifier.parse(form.as_bytes()).unwrap_err()]
                {
                    assert_eq!(
                        clean(error).to_string(),
                        format!("nothing is accepted: the setting `{setting}` is empty")
                    );
                }
            }
        }
    }
    // An empty list names no further audience, and no algorithm.
    let none: [&str; 0] = [];
    let strict = ClientAssertionVerifier::new(ISSUER).audience_policy(AudiencePolicy::compatible(none));
    let token = signed(&good_header().to_string(), &good_claims().to_string());
    assert!(check(&strict, &token).is_ok());
    let error = clean(check(&strict.algorithms([]), &token).unwrap_err());
    assert!(matches!(error, VerifierError::Algorithm { allowed, .. } if allowed.is_empty()));
    assert!(matches!(
        clean(
            InMemoryReplayStore::with_capacity(0)
                .spend_now(verdict(&good_header(), &good_claims()).unwrap(), now())
                .unwrap_err()
        ),
        VerifierError::ReplayStoreFull | VerifierError::ReplayShareFull { .. }
    ));
}

/// `{"$serde_json::private::Number":…}` as a number, and text that becomes structure.
#[test]
fn a_name_reserved_by_the_json_parser_is_in_no_assertion() {
    let number = json!({"$serde_json::private::Number": (NOW + 60).to_string()});
    let raw = json!({"$serde_json::private::RawValue": format!("[\"{ISSUER}\"]")});
    for (claim, value) in
        [("exp", &number), ("aud", &raw), ("aud", &json!([raw])), ("more", &json!({"a": [raw]}))]
    {
        let error = claims_error(&with(good_claims(), claim, value.clone()));
        assert!(
            matches!(
                &error,
                VerifierError::Jose(JoseError::ReservedMember { what: "the claims set", member })
                    if member.starts_with("$serde_json::private::")
            ),
            "{claim}: {error:?}"
        );
    }
    let escaped = good_claims().to_string().replacen('{', r#"{"\u0024serde_json::private::Number":"1","#, 1);
    assert_eq!(
        jose_error(&signed(&good_header().to_string(), &escaped)).to_string(),
        "the claims set has the member `$serde_json::private::Number`, a name reserved by the JSON parser"
    );
    let error = header_error(&with(good_header(), "more", number));
    assert!(matches!(error, VerifierError::Jose(JoseError::ReservedMember { what: "the JWS header", .. })));
}
