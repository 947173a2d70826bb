//! Empty settings, and unlimited lifetimes.

use private_key_jwt::verifier::{AccessTokenProfile, PermissionClaims};

use super::*;

/// The setting that refuses every token, even one that is otherwise valid.
fn empty(verifier: &AccessTokenVerifier) -> &'static str {
    let mut anything = claims();
    for (claim, value) in [("iss", json!("")), ("aud", json!("")), ("client_id", json!("")), ("", json!(""))]
    {
        let claims = with(anything.clone(), claim, value.clone());
        assert!(matches!(verify(verifier, &header(), &claims), Err(VerifierError::EmptySetting { .. })));
        anything[claim] = value;
    }
    match clean(verify(verifier, &header(), &claims()).unwrap_err()) {
        VerifierError::EmptySetting { setting } => setting,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_setting_is_no_check_that_is_off() {
    let profile = |profile: AccessTokenProfile| verifier().profile(profile);
    let own = || AccessTokenProfile::new("own");
    for blank in ["", " ", "\t\n ", "\u{a0}", "\0"] {
        assert_eq!(empty(&AccessTokenVerifier::new(blank, AUDIENCE)), "issuer");
        assert_eq!(empty(&AccessTokenVerifier::new(ISSUER, blank)), "audience");
        assert_eq!(empty(&verifier().accept_issuer(blank)), "accept_issuer");
        assert_eq!(empty(&verifier().accept_audience(blank)), "audience");
        assert_eq!(empty(&verifier().require_scope(blank)), "require_scope");
        assert_eq!(empty(&verifier().require_scope([blank])), "require_scope");
        assert_eq!(empty(&verifier().require_scope("orders:read").require_scope(blank)), "require_scope");
        assert_eq!(empty(&verifier().require_scope(["orders:read", blank])), "require_scope");
        assert_eq!(empty(&verifier().require_scope(vec![blank, "orders:read"])), "require_scope");
        assert_eq!(
            empty(&verifier().accept_missing_audience_from(["client", blank])),
            "accept_missing_audience_from"
        );
        assert_eq!(empty(&AccessTokenVerifier::without_audience(blank, ["client"])), "issuer");
        assert_eq!(
            empty(&AccessTokenVerifier::without_audience(ISSUER, [blank])),
            "accept_missing_audience_from"
        );
        assert_eq!(empty(&profile(own().types(["at+jwt", blank]))), "AccessTokenProfile::types");
        assert_eq!(empty(&profile(own().require_claim(blank))), "AccessTokenProfile::require_claim");
        assert_eq!(empty(&profile(own().refuse_claim(blank))), "AccessTokenProfile::refuse_claim");
        assert_eq!(
            empty(&profile(own().refuse_claim(format!("/{blank}")))),
            "AccessTokenProfile::refuse_claim"
        );
        assert_eq!(empty(&profile(own().require_value(blank, ["a"]))), "AccessTokenProfile::require_value");
        assert_eq!(empty(&profile(own().require_value("sub", [blank]))), "AccessTokenProfile::require_value");
    }
    assert_eq!(empty(&verifier().require_scope(())), "require_scope");
    assert_eq!(empty(&verifier().require_scope([""; 0])), "require_scope");
    assert_eq!(empty(&verifier().require_scope(["", " "])), "require_scope");
    let none: [&str; 0] = [];
    assert_eq!(empty(&profile(own().types(none))), "AccessTokenProfile::types");
    assert_eq!(empty(&profile(own().require_value("sub", none))), "AccessTokenProfile::require_value");
    // The error names the first one.
    assert_eq!(empty(&AccessTokenVerifier::new("", "").require_scope("")), "issuer");
    let error = clean(verify(&verifier().require_scope(""), &header(), &claims()).unwrap_err());
    assert_eq!(error.to_string(), "nothing is accepted: the setting `require_scope` is empty");
}

/// If an empty setting leaves a check in place, that check refuses.
#[test]
fn an_empty_list_accepts_nothing() {
    let none: [&str; 0] = [];
    assert!(matches!(
        verify(&verifier().algorithms([]), &header(), &claims()),
        Err(VerifierError::Algorithm { allowed, .. }) if allowed.is_empty()
    ));
    let without_audience = with(claims(), "aud", Value::Null);
    for verifier in
        [verifier().accept_missing_audience_from(none), AccessTokenVerifier::without_audience(ISSUER, none)]
    {
        assert!(matches!(
            verify(&verifier, &header(), &without_audience),
            Err(VerifierError::MissingAudience { .. })
        ));
    }
    for permissions in
        [PermissionClaims::all_of(none), PermissionClaims::first_of(none), "".into(), " ".into()]
    {
        let verifier = verifier().permission_claims(permissions);
        assert!(verify(&verifier, &header(), &claims()).unwrap().scope().is_empty());
        let error = verify(&verifier.require_scope("orders:read"), &header(), &claims());
        assert!(matches!(error, Err(VerifierError::MissingScope { .. })));
    }
    let profile = AccessTokenProfile::new("own").client_id_claims(none);
    assert_eq!(verify(&verifier().profile(profile.clone()), &header(), &claims()).unwrap().client_id(), None);
    assert!(matches!(
        verify(&verifier().profile(profile.require_client_id()), &header(), &claims()),
        Err(VerifierError::NotAnAccessToken { .. })
    ));
    // `application/` without a subtype is no type.
    let profile = AccessTokenProfile::new("own").types(["application/"]);
    for typ in ["", "application/"] {
        assert!(matches!(
            verify(&verifier().profile(profile.clone()), &with(header(), "typ", json!(typ)), &claims()),
            Err(VerifierError::AccessTokenType { .. })
        ));
    }
}

#[test]
fn a_life_has_a_bound() {
    const DAY: i64 = 24 * 3600;
    let seconds = now().unix_timestamp();
    let judged = |verifier: &AccessTokenVerifier, iat: Value, exp: Value| {
        let claims = with(with(claims(), "exp", exp), "iat", iat);
        verify(verifier, &header(), &claims).map(|_| ()).map_err(clean)
    };
    assert_eq!(AccessTokenVerifier::LONGEST_LIFETIME.as_secs(), 366 * 24 * 3600);
    // Lifetimes that issuers offer: Auth0 and PingOne 30 days, Kubernetes a year.
    for days in [1, 30, 365, 366] {
        assert!(judged(&verifier(), json!(seconds), json!(seconds + days * DAY)).is_ok(), "{days}");
    }
    let error = judged(&verifier(), json!(seconds), json!(seconds + 366 * DAY + 11)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token lives 31622411 s, at most 31622400 s are accepted; \
         `AccessTokenVerifier::longest_lifetime` accepts more"
    );
    // Without `iat`, counted from now.
    let error = judged(&verifier().relaxed(), Value::Null, json!(seconds + 367 * DAY)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token expires in 31708800 s by this clock (it has no `iat`), at most 31622400 s are accepted; \
         `AccessTokenVerifier::longest_lifetime` accepts more"
    );
    assert!(judged(&verifier().relaxed(), Value::Null, json!(seconds + 366 * DAY)).is_ok());
    // An `iat` in the leeway does not shorten the lifetime, one in the past extends it.
    let future = judged(&verifier(), json!(seconds + 10), json!(seconds + 366 * DAY + 20));
    assert!(matches!(future, Err(VerifierError::TokenLifetime { .. })));
    for iat in [0, 1, seconds - 367 * DAY] {
        let old = judged(&verifier(), json!(iat), json!(seconds + 300));
        assert!(matches!(old, Err(VerifierError::TokenLifetime { issued: Some(found), .. }) if found == iat));
    }
    let last = 253_402_300_799_i64;
    assert!(matches!(
        judged(&verifier(), json!(seconds), json!(last)),
        Err(VerifierError::TokenLifetime { limit: 31_622_400, .. })
    ));
    let short = verifier().longest_lifetime(Duration::from_secs(300));
    assert!(judged(&short, json!(seconds), json!(seconds + 310)).is_ok());
    assert!(judged(&short, json!(seconds), json!(seconds + 311)).is_err());
    for no_end in [Duration::MAX, Duration::from_secs(i64::MAX as u64)] {
        let no_end = verifier().longest_lifetime(no_end);
        assert!(judged(&no_end, json!(seconds), json!(last)).is_ok());
        assert!(judged(&no_end, json!(0), json!(seconds + 300)).is_ok());
    }
}

#[test]
fn absurd_times_are_refused_by_name() {
    let lenient = verifier().relaxed().longest_lifetime(Duration::MAX).leeway(Duration::MAX);
    let now = now().unix_timestamp();
    // The year 10¹¹, and everything else that a number can be.
    let absurd = [
        json!(3_155_695_200_000_000_000_i64),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(-1),
        json!(-0.5),
        json!(1e15),
        json!(1e300),
        json!(253_402_300_800_i64),
        json!(now * 1000),
    ];
    for claim in ["exp", "nbf", "iat"] {
        for time in &absurd {
            for verifier in [verifier(), lenient.clone()] {
                let error =
                    clean(verify(&verifier, &header(), &with(claims(), claim, time.clone())).unwrap_err());
                let is_named = matches!(
                    error,
                    VerifierError::InvalidClaim { claim: found, .. } | VerifierError::NotInSeconds { claim: found, .. }
                        if found == claim
                );
                assert!(is_named, "{claim} {time}: {error:?}");
            }
        }
    }
    // Both ends of the range of times.
    let (first, last) = (0_i64, 253_402_300_799_i64);
    for bits in 0..8 {
        let [exp, nbf, iat] = [1, 2, 4].map(|bit| if bits & bit == 0 { first } else { last });
        let claims = with(with(with(claims(), "exp", json!(exp)), "nbf", json!(nbf)), "iat", json!(iat));
        let passes = [exp, nbf, iat] == [last, first, first];
        assert_eq!(verify(&lenient, &header(), &claims).is_ok(), passes, "{claims}");
        assert!(verify(&verifier(), &header(), &claims).is_err(), "{claims}");
    }
}

/// `{"$serde_json::private::Number":…}` as a number, and text that becomes structure.
#[test]
fn a_name_reserved_by_the_json_parser_is_in_no_token() {
    let number = json!({"$serde_json::private::Number": (now().unix_timestamp() + 300).to_string()});
    let raw = json!({"$serde_json::private::RawValue": r#"["orders:read","admin"]"#});
    let in_band = |claims: &Value, member: &str| {
        for verifier in [verifier(), verifier().relaxed()] {
            let error = clean(verify(&verifier, &header(), claims).unwrap_err());
            assert!(
                matches!(
                    &error,
                    VerifierError::Jose(JoseError::ReservedMember { what: "the claims set", member: found })
                        if found == member
                ),
                "{error:?}"
            );
        }
    };
    for claim in ["exp", "iat", "tenant", "more"] {
        in_band(&with(claims(), claim, number.clone()), "$serde_json::private::Number");
    }
    for claim in ["scope", "aud", "cnf", "more"] {
        in_band(&with(claims(), claim, raw.clone()), "$serde_json::private::RawValue");
        in_band(&with(claims(), claim, json!([{"a": [raw]}])), "$serde_json::private::RawValue");
    }
    in_band(&with(claims(), "$serde_json::private::RawValue", json!("{}")), "$serde_json::private::RawValue");
    let header = with(header(), "more", raw);
    let error = clean(verify(&verifier(), &header, &claims()).unwrap_err());
    assert_eq!(
        error.to_string(),
        "the JWS header has the member `$serde_json::private::RawValue`, a name reserved by the JSON parser"
    );
}
