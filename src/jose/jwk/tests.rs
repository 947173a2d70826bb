use super::*;

const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn okp(more: &str) -> Result<Jwk, JoseError> {
    Jwk::from_json(format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#).as_bytes())
}

#[test]
fn private_and_symmetric_values_are_refused_and_not_kept() {
    assert_eq!(okp(r#","d":"secret""#), Err(JoseError::PrivateMember { member: "d" }));
    assert_eq!(
        Jwk::from_json(br#"{"kty":"oct","k":"c2VjcmV0"}"#),
        Err(JoseError::PrivateMember { member: "k" })
    );
}

#[test]
fn rfc7517_5_unknown_types_have_their_own_error_and_unknown_members_are_ignored() {
    assert_eq!(
        Jwk::from_json(br#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#),
        Err(JoseError::UnsupportedKey { found: "EC secp256k1".to_owned() })
    );
    assert_eq!(
        Jwk::from_json(br#"{"kty":"AKP"}"#),
        Err(JoseError::UnsupportedKey { found: "AKP".to_owned() })
    );
    assert!(okp(r#","ext":true,"nonsense":{"a":[1]}"#).is_ok());
}

#[test]
fn rfc7518_6_2_1_2_coordinates_have_the_curves_length() {
    let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"AQ"}}"#);
    assert_eq!(
        Jwk::from_json(jwk.as_bytes()),
        Err(JoseError::InvalidMember {
            what: "a JWK",
            member: "y",
            expected: "a value of the curve's length"
        })
    );
}

#[test]
fn rfc7517_4_2_to_4_4_use_key_ops_and_alg_bind() {
    assert!(okp("").unwrap().verifies(Algorithm::EdDSA));
    assert!(!okp("").unwrap().verifies(Algorithm::ES256));
    assert!(!okp(r#","use":"enc""#).unwrap().verifies(Algorithm::EdDSA));
    assert!(!okp(r#","key_ops":["sign"]"#).unwrap().verifies(Algorithm::EdDSA));
    assert!(okp(r#","key_ops":["verify"],"use":"sig""#).unwrap().verifies(Algorithm::Ed25519));
    assert!(!okp(r#","alg":"ES256""#).unwrap().verifies(Algorithm::ES256));
}

#[test]
fn rfc9864_2_2_both_names_of_ed25519_are_one_alg() {
    for alg in ["EdDSA", "Ed25519"] {
        let jwk = okp(&format!(r#","alg":"{alg}""#)).unwrap();
        assert!(jwk.verifies(Algorithm::EdDSA) && jwk.verifies(Algorithm::Ed25519), "{alg}");
    }
}

#[test]
fn what_serializers_write_for_an_unset_member_says_nothing() {
    let bare = okp("").unwrap();
    for more in [
        r#","use":null,"alg":null,"kid":null,"key_ops":null,"x5c":null,"x5t":null,"x5t#S256":null,"x5u":null"#,
        r#","key_ops":[],"x5c":[]"#,
        r#","use":"","alg":"","x5t":"","x5t#S256":"""#,
        r#","d":null,"p":null,"q":null,"dp":null,"dq":null,"qi":null,"oth":null,"k":null,"n":null,"e":null,"y":null"#,
        r#","oth":[]"#,
        // These only help to choose among keys.
        r#","x5t":7,"x5t#S256":["a"]"#,
    ] {
        assert_eq!(okp(more).as_ref(), Ok(&bare), "{more}");
    }
    assert_eq!(okp(r#","kid":"""#).unwrap().key_id(), Some(&KeyId::from("")));
    // A member that is set is checked as usual.
    let what = Jwk::WHAT;
    for (more, member, expected) in [
        (r#","alg":7"#, "alg", "a string"),
        (r#","use":[]"#, "use", "a string"),
        (r#","key_ops":"verify""#, "key_ops", "an array of strings"),
        (r#","key_ops":[null]"#, "key_ops", "an array of strings"),
    ] {
        assert_eq!(okp(more), Err(JoseError::InvalidMember { what, member, expected }), "{more}");
    }
    for (more, member) in [(r#","d":"""#, "d"), (r#","oth":[{}]"#, "oth"), (r#","k":7"#, "k")] {
        assert_eq!(okp(more), Err(JoseError::PrivateMember { member }), "{more}");
    }
    assert_eq!(
        Jwk::from_json(br#"{"kty":null,"k":null}"#),
        Err(JoseError::MissingMember { what, member: "kty" })
    );
    assert_eq!(
        Jwk::from_json(br#"{"kty":"OKP","crv":null,"x":"AA"}"#),
        Err(JoseError::MissingMember { what, member: "crv" })
    );
}

#[test]
fn a_number_that_is_not_base64url_is_named() {
    for (members, wrong) in [(r#""n":"_-8=","e":"AQAB""#, "n"), (r#""n":"_-8","e":"AQ+B""#, "e")] {
        assert_eq!(
            Jwk::from_json(format!(r#"{{"kty":"RSA",{members}}}"#).as_bytes())
                .map_err(|error| error.to_string()),
            Err(format!("a JWK has a member `{wrong}` that is not base64url without padding"))
        );
    }
}

#[test]
fn a_key_that_does_not_verify_says_why() {
    let rsa = |more: &str| {
        let n = base64url::encode([0xff; 256]);
        Jwk::from_json(format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"{more}}}"#).as_bytes()).unwrap()
    };
    for (more, algorithm, why) in [
        ("", Algorithm::ES256, "the key is of type RSA, not EC P-256"),
        (r#","alg":"RS256""#, Algorithm::ES256, "the key is of type RSA, not EC P-256"),
        (r#","alg":"RS256""#, Algorithm::RS384, "the key is for RS256 (`alg`)"),
        (r#","alg":"RS256""#, Algorithm::PS256, "the key is for RS256 (`alg`)"),
        (r#","use":"enc""#, Algorithm::RS256, "the key does not verify signatures (its `use` is \"enc\")"),
        (
            r#","key_ops":["encrypt","wrapKey"]"#,
            Algorithm::RS256,
            "the key does not verify signatures (its `key_ops` is \"encrypt wrapKey\")",
        ),
        (
            r#","alg":"RSA-OAEP-256\u001b""#,
            Algorithm::RS256,
            "the key does not verify signatures (its `alg` is \"RSA-OAEP-256\\u{1b}\")",
        ),
    ] {
        let jwk = rsa(more);
        assert_eq!(jwk.mismatch(algorithm).map(|why| why.to_string()).as_deref(), Some(why), "{more}");
        assert!(!jwk.verifies(algorithm), "{more}");
    }
    assert_eq!(rsa(r#","alg":"RS256","use":"sig""#).mismatch(Algorithm::RS256), None);
}

#[test]
fn thumbprints_are_kept_until_there_is_another_certificate() {
    let jwk = okp(r#","x5c":["MAA="],"x5t":"a","x5t#S256":"b""#).unwrap();
    assert_eq!((jwk.x5t(), jwk.x5t_s256()), (Some("a"), Some("b")));
    assert_eq!(jwk.clone().with_certificates(vec![vec![0x30, 0]]), jwk);
    let other = jwk.with_certificates(vec![vec![0x30, 1, 0]]);
    assert_eq!((other.x5t(), other.x5t_s256()), (None, None));
}

#[test]
fn json_round_trips() {
    let jwk = okp(r#","kid":"k","alg":"EdDSA","use":"sig","key_ops":["verify"],"x5c":["MAA="],"x5t":"t","x5t#S256":"u""#).unwrap();
    assert_eq!(Jwk::from_json(jwk.to_json().as_bytes()).unwrap(), jwk);
}

#[test]
fn rfc7515_4_1_6_x5c_is_standard_base64() {
    for element in [r#""_-8=""#, r#""MAA""#, r#""-----BEGIN""#] {
        assert_eq!(okp(&format!(r#","x5c":[{element}]"#)), Err(JoseError::X5c));
    }
    // Some servers keep the line ends of their PEM file.
    let wrapped = okp(r#","x5c":["MA\r\nA=\n"]"#).unwrap();
    assert_eq!(wrapped.certificates(), [[0x30, 0]]);
}

#[test]
fn debug_is_short_and_readable() {
    let text = br#"{"kty":"OKP","crv":"Ed25519","kid":"k1","alg":"EdDSA","use":"sig",
        "key_ops":["verify","x"],"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let jwk = Jwk::from_json(text).unwrap().with_certificates(vec![vec![0; 9000]; 2]);
    assert_eq!(
        format!("{jwk:?}"),
        "Jwk { parameters: Ed25519 { x: \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\" }, key_id: Some(\"k1\"), \
         algorithm: Some(\"EdDSA\"), public_key_use: Some(\"sig\"), key_operations: Some(\"verify x\"), \
         certificates: 2, x5t_s256: None, x5t: None }"
    );
    let operations = Some(vec!["\u{ad}".repeat(9000); 9]);
    let long = Jwk { key_operations: operations, ..jwk.with_key_id("k".repeat(9000)) };
    assert!(format!("{long:?}").len() < 2000);
}
