//! An access token at a resource server (RFC 9068): the input as the token, and as header and
//! claims that the issuer has signed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use private_key_jwt::jose::{CompactJws, UnverifiedJwt};
use private_key_jwt::verifier::{AccessTokenProfile, AccessTokenVerifier};
use private_key_jwt::{JwkSet, PublicKeySet};
use private_key_jwt_fuzz::{
    ED25519, ISSUER, Json, NOW, P256, check_line, checked, media_type, members_of, now, object, signed,
};

const AUDIENCE: &str = "https://api.example";

static STRICT: LazyLock<AccessTokenVerifier> = LazyLock::new(|| AccessTokenVerifier::new(ISSUER, AUDIENCE));
/// Every preset, and the most tolerant settings.
static OTHERS: LazyLock<Vec<AccessTokenVerifier>> = LazyLock::new(|| {
    let profiles = [
        AccessTokenProfile::ping_one(),
        AccessTokenProfile::ping_federate(),
        AccessTokenProfile::auth0(),
        AccessTokenProfile::okta(),
        AccessTokenProfile::entra_id(),
        AccessTokenProfile::keycloak(),
        AccessTokenProfile::adfs(),
        AccessTokenProfile::cognito(),
        AccessTokenProfile::spring(),
        AccessTokenProfile::hydra(),
        AccessTokenProfile::zitadel(),
    ];
    let presets = profiles.into_iter().map(|profile| STRICT.clone().profile(profile));
    presets.chain([STRICT.clone().relaxed()]).collect()
});
static KEYS: LazyLock<PublicKeySet> = LazyLock::new(|| {
    PublicKeySet::from(JwkSet::from_iter([ED25519.public_jwk().clone(), P256.public_jwk().clone()]))
});

fuzz_target!(|input: &[u8]| {
    let token = match std::str::from_utf8(input) {
        Ok(token) if !token.starts_with('{') => token.to_owned(),
        _ => signed(input).token,
    };
    let read = checked(UnverifiedJwt::parse(&token));
    let jws = checked(CompactJws::parse(&token));
    if let Some(jwt) = &read {
        assert!(!format!("{jwt:?}").contains(private_key_jwt_fuzz::is_hidden));
    }
    for verifier in [&*STRICT].into_iter().chain(&*OTHERS) {
        let is_strict = std::ptr::eq(verifier, &*STRICT);
        let Some(accepted) = checked(verifier.verify(&KEYS, &token, now())) else { continue };
        let read = read.as_ref().expect("what is accepted can be read");
        let jws = jws.as_ref().expect("what is accepted is a JWS");
        KEYS.key_for(jws.header()).unwrap().verify(jws.signing_input().as_bytes(), jws.signature()).unwrap();
        let (header, claims) = (members_of(read.header()), object(jws.payload()));
        assert_eq!((&members_of(&accepted.all()), &members_of(read.claims())), (&claims, &claims));
        assert!(["EdDSA", "Ed25519", "ES256"].contains(&header["alg"].text().unwrap()), "{header:?}");
        assert!(!header.contains_key("crit") && !header.contains_key("b64"), "{header:?}");
        assert_eq!((accepted.issuer(), claims["iss"].text()), (ISSUER, Some(ISSUER)));
        let is_ours = |aud: &Json| aud.text() == Some(AUDIENCE);
        assert!(
            match &claims["aud"] {
                Json::Array(all) => all.iter().any(is_ours),
                one => is_ours(one),
            },
            "{claims:?}"
        );
        assert!(accepted.audience().contains(&AUDIENCE.to_owned()), "{accepted:?}");
        let exp = claims["exp"].number().unwrap().floor();
        assert!(exp + 60.0 >= NOW as f64, "{exp}");
        assert!(accepted.expires_at().is_some());
        // The token is bound to a key, and no proof was checked here.
        assert!(claims.get("cnf").is_none_or(|cnf| *cnf == Json::Null), "{claims:?}");
        check_line(&format!("{accepted:?}"));
        if is_strict {
            assert_eq!(media_type(&header["typ"]), "at+jwt");
            for claim in ["sub", "client_id", "jti"] {
                assert!(claims[claim].text().is_some(), "{claim}");
            }
            assert!(claims["iat"].number().is_some());
            assert!(accepted.scope().iter().all(|scope| accepted.has_scope(scope)));
        }
    }
});
