//! The form of a client at the verifier: the input as the form, and as header and claims that a
//! registered key has signed. The verifier accepts nothing that another reader of the same claims
//! would refuse.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use private_key_jwt::oauth::CLIENT_ASSERTION_TYPE;
use private_key_jwt::verifier::{ClientAssertionVerifier, InMemoryReplayStore, ReplayStore};
use private_key_jwt::{JwkSet, PublicKeySet, VerifierError};
use private_key_jwt_fuzz::{
    ED25519, ISSUER, Json, NOW, P256, checked, media_type, members_of, now, object, run, signed,
};

static VERIFIER: LazyLock<ClientAssertionVerifier> = LazyLock::new(|| ClientAssertionVerifier::new(ISSUER));
static KEYS: LazyLock<PublicKeySet> = LazyLock::new(|| {
    PublicKeySet::from(JwkSet::from_iter([ED25519.public_jwk().clone(), P256.public_jwk().clone()]))
});

fuzz_target!(|input: &[u8]| {
    if !input.starts_with(b"{") {
        if let Some(unverified) = checked(VERIFIER.parse(input)) {
            assert!(!unverified.client_id().is_empty());
            drop(checked(unverified.verify(&KEYS, None, now())));
        }
        return;
    }
    let jwt = signed(input);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_assertion_type", CLIENT_ASSERTION_TYPE)
        .append_pair("client_assertion", &jwt.token)
        .finish();
    let verified = || VERIFIER.parse(form.as_bytes())?.verify(&KEYS, None, now());
    let Some(assertion) = checked(verified()) else { return };

    let (header, claims) = (object(jwt.header), object(jwt.claims));
    assert!(["EdDSA", "Ed25519", "ES256"].contains(&header["alg"].text().unwrap()), "{header:?}");
    assert!(!header.contains_key("crit") && !header.contains_key("b64"), "{header:?}");
    if let Some(typ) = header.get("typ").filter(|typ| **typ != Json::Null) {
        assert!(["jwt", "client-authentication+jwt"].contains(&&*media_type(typ)), "{typ:?}");
    }
    let aud = match &claims["aud"] {
        Json::Array(one) if one.len() == 1 => &one[0],
        other => other,
    };
    assert_eq!(aud.text(), Some(ISSUER));
    for name in ["iss", "sub"] {
        assert_eq!(claims[name].text(), Some(assertion.client_id()));
    }
    let jti = claims["jti"].text().unwrap();
    assert!((1..=256).contains(&jti.len()) && assertion.jti() == Some(jti));
    // The clocks may differ by ten seconds, and the lifetime is five minutes at most; fractions of
    // a second are cut off.
    let second = |claim: &str| {
        claims.get(claim).filter(|value| **value != Json::Null).map(|it| it.number().unwrap().floor())
    };
    let (exp, now_) = (second("exp").unwrap(), NOW as f64);
    assert!(exp + 10.0 >= now_ && exp <= now_ + 310.0, "{exp}");
    assert!(second("iat").is_none_or(|iat| iat <= now_ + 10.0 && exp - iat <= 300.0), "{claims:?}");
    assert!(second("nbf").is_none_or(|nbf| nbf <= now_ + 10.0), "{claims:?}");

    assert_eq!(members_of(&assertion.claims()), claims);
    let client_id = assertion.client_id().to_owned();
    let replay = InMemoryReplayStore::default();
    assert_eq!(run(replay.spend(assertion, now())).unwrap(), client_id);
    let again = run(replay.spend(verified().unwrap(), now())).unwrap_err();
    assert!(matches!(again, VerifierError::Replayed), "{again}");
});
