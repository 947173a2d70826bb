use super::*;
use crate::jose::base64url;
use crate::keys::Certificate;

const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn set(keys: &[&str]) -> PublicKeySet {
    let keys: Vec<String> =
        keys.iter().map(|more| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#)).collect();
    JwkSet::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap().into()
}

fn refusal(set: &PublicKeySet, key_id: Option<&str>, algorithm: Algorithm) -> JoseError {
    match set.select(key_id.map(KeyId::from).as_ref(), algorithm) {
        Err(KeyError::Jose(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn no_match(kid: Option<&str>, algorithm: Algorithm, reason: KeyMismatch) -> JoseError {
    JoseError::NoMatchingKey { kid: kid.map(str::to_owned), algorithm, reason: Box::new(reason) }
}

/// A set of the keys in these files, each with more members.
fn of_files(keys: &[(&str, &str)]) -> PublicKeySet {
    let keys: Vec<String> = keys
        .iter()
        .map(|(file, more)| {
            let jwk = PublicKey::from_bytes(&read(file)).unwrap().jwk().to_json();
            format!("{}{more}}}", jwk.strip_suffix('}').unwrap())
        })
        .collect();
    JwkSet::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap().into()
}

fn read(file: &str) -> Vec<u8> {
    const FILES: [(&str, &[u8]); 5] = [
        ("ca.cert.pem", include_bytes!("../../../testdata/keys/ca.cert.pem")),
        ("ed25519.pub.pem", include_bytes!("../../../testdata/keys/ed25519.pub.pem")),
        ("rsa2048.cert.der", include_bytes!("../../../testdata/keys/rsa2048.cert.der")),
        ("rsa2048.cert.pem", include_bytes!("../../../testdata/keys/rsa2048.cert.pem")),
        ("rsa2048.pub.pem", include_bytes!("../../../testdata/keys/rsa2048.pub.pem")),
    ];
    FILES.iter().find(|(name, _)| *name == file).unwrap().1.to_vec()
}

#[test]
fn exactly_one_key_must_fit() {
    let algorithm = Algorithm::RS256;
    let both = of_files(&[("rsa2048.pub.pem", r#","kid":"a""#), ("ca.cert.pem", r#","kid":"b""#)]);
    assert_eq!(both.select(Some(&"b".into()), algorithm).unwrap().jwk().key_id(), Some(&"b".into()));
    assert_eq!(refusal(&both, None, algorithm), JoseError::AmbiguousKey { kid: None, algorithm, found: 2 });
    assert!(set(&[""]).select(None, Algorithm::EdDSA).is_ok());
    let same_kid = set(&[r#","kid":"a","use":"enc""#, r#","kid":"a""#]);
    let key = same_kid.select(Some(&"a".into()), Algorithm::EdDSA).unwrap();
    assert_eq!(key.jwk().public_key_use(), None);
}

#[test]
fn a_key_that_stands_there_twice_is_one_key() {
    let algorithm = Algorithm::EdDSA;
    for twice in [
        set(&[r#","kid":"a""#, r#","kid":"a""#]),
        set(&[r#","kid":"a""#, r#","kid":"a","use":"sig","alg":"Ed25519""#]),
        set(&[r#","kid":"a","alg":"EdDSA""#, r#","kid":"b""#]),
        set(&[r#","kid":"b","use":"enc""#, r#","kid":"a""#, ""]),
    ] {
        for key_id in [None, Some(&"a".into())] {
            assert_eq!(twice.select(key_id, algorithm).unwrap().jwk().key_id(), Some(&"a".into()));
        }
    }
    // Each entry keeps its own restrictions.
    let rsa = of_files(&[("rsa2048.pub.pem", r#","alg":"RS256""#), ("rsa2048.pub.pem", r#","alg":"PS256""#)]);
    for algorithm in [Algorithm::RS256, Algorithm::PS256] {
        assert_eq!(rsa.select(None, algorithm).unwrap().jwk().algorithm(), Some(algorithm.as_str()));
    }
    let refused = r#"key "k" is for RS256 (`alg`); key "k" is for PS256 (`alg`)"#;
    let rsa = of_files(&[
        ("rsa2048.pub.pem", r#","kid":"k","alg":"RS256""#),
        ("rsa2048.pub.pem", r#","kid":"k","alg":"PS256""#),
    ]);
    assert!(refusal(&rsa, Some("k"), Algorithm::RS384).to_string().ends_with(refused));
    // An entry with the certificate of another key does not hide the valid one.
    let chain = [read("rsa2048.cert.der")].to_vec();
    let jwk = PublicKey::from_bytes(&read("ed25519.pub.pem")).unwrap().jwk().clone();
    let wrong = jwk.clone().with_certificates(chain);
    let keys: PublicKeySet = [wrong.clone(), jwk].into_iter().collect::<JwkSet>().into();
    assert!(keys.select(None, algorithm).unwrap().jwk().certificates().is_empty());
    let keys: PublicKeySet = [wrong.clone(), wrong].into_iter().collect::<JwkSet>().into();
    assert!(matches!(keys.select(None, algorithm), Err(KeyError::CertificateMismatch)));
    // Three entries, two keys.
    let keys = of_files(&[("rsa2048.pub.pem", ""), ("ca.cert.pem", ""), ("rsa2048.pub.pem", "")]);
    let algorithm = Algorithm::RS256;
    assert_eq!(refusal(&keys, None, algorithm), JoseError::AmbiguousKey { kid: None, algorithm, found: 2 });
}

#[test]
fn the_error_says_why_no_key_fits_and_what_the_set_has() {
    let (ed, es) = (Algorithm::EdDSA, Algorithm::ES256);
    let named = set(&[r#","kid":"a""#, r#","kid":"b""#]);
    let known = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(
        refusal(&named, Some("c"), ed),
        no_match(Some("c"), ed, KeyMismatch::UnknownKeyId { known, others: 0, skipped: 0 })
    );
    let needed = es.key_type();
    assert_eq!(
        refusal(&named, Some("a"), es),
        no_match(Some("a"), es, KeyMismatch::OtherKeyType { found: ed.key_type(), needed })
    );
    assert_eq!(
        refusal(&set(&["", ""]), Some("a"), ed),
        no_match(Some("a"), ed, KeyMismatch::NoKeyIds { keys: 2 })
    );
    let rsa = of_files(&[("rsa2048.pub.pem", r#","kid":"k","alg":"RS256""#)]);
    let text = |set: &PublicKeySet, kid, algorithm| refusal(set, kid, algorithm).to_string();
    assert_eq!(
        text(&rsa, Some("k"), Algorithm::RS384),
        "no key in the set fits RS384 and `kid` \"k\": the key is for RS256 (`alg`)"
    );
    assert_eq!(
        text(&rsa, Some("K"), Algorithm::RS256),
        "no key in the set fits RS256 and `kid` \"K\": no key has that `kid`; the set has \"k\""
    );
    assert_eq!(
        text(&rsa, None, es),
        "no key in the set fits ES256 (the header has no `kid`): the key is of type RSA, not EC P-256"
    );
    assert_eq!(
        text(&PublicKeySet::default(), None, es),
        "no key in the set fits ES256 (the header has no `kid`): the set has no keys"
    );
    assert_eq!(
        text(&PublicKeySet::default(), Some("k"), es),
        "no key in the set fits ES256 and `kid` \"k\": the set has no keys"
    );
    assert_eq!(
        text(&set(&[""]), Some("k"), ed),
        "no key in the set fits EdDSA and `kid` \"k\": the only key of the set has no `kid`"
    );
    assert_eq!(
        text(&set(&[r#","kid":"k","alg":"ECDH-ES""#]), Some("k"), ed),
        "no key in the set fits EdDSA and `kid` \"k\": the key does not verify signatures (its `alg` is \"ECDH-ES\")"
    );
    assert_eq!(
        text(&set(&[r#","kid":"k","use":"enc""#, r#","key_ops":["sign"]"#]), None, ed),
        "no key in the set fits EdDSA (the header has no `kid`): key \"k\" does not verify signatures (its `use` \
         is \"enc\"); a key without `kid` does not verify signatures (its `key_ops` is \"sign\")"
    );
}

#[test]
fn a_list_of_keys_is_bounded_and_printable() {
    let names: Vec<String> = (0..300).map(|number| format!(r#","kid":"{number}""#)).collect();
    let many = set(&names.iter().map(String::as_str).take(256).collect::<Vec<_>>());
    assert_eq!(
        refusal(&many, Some("x\u{1b}"), Algorithm::EdDSA).to_string(),
        "no key in the set fits EdDSA and `kid` \"x\\u{1b}\": no key has that `kid`; the set has \"0\", \"1\", \"2\", \
         \"3\", \"4\", \"5\", \"6\", \"7\", 248 more"
    );
    let error = refusal(&many, None, Algorithm::ES256).to_string();
    assert!(error.ends_with("key \"7\" is of type Ed25519, not EC P-256; 248 more"), "{error}");
    // The error shows where two long names differ.
    let long = "k".repeat(300);
    let set = set(&[&format!(r#","kid":"{long}""#)]);
    let error = refusal(&set, Some(&format!("{long}x")), Algorithm::EdDSA).to_string();
    assert!(error.contains("`kid` \"…kkkkkkkkkkkkkkkkx\""), "{error}");
    let error = refusal(&set, Some(&format!("{}x", &long[..200])), Algorithm::EdDSA).to_string();
    assert!(error.contains("`kid` \"…kkkkkkkkkkkkkkkkx\"") && error.contains("the set has \"…"), "{error}");
}

#[test]
fn the_error_of_a_skipped_key_says_so() {
    let keys = |keys: &str| PublicKeySet::from(JwkSet::from_json(keys.as_bytes()).unwrap());
    let text = |set: &PublicKeySet, kid| refusal(set, kid, Algorithm::EdDSA).to_string();
    let good = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","kid":"good"}}"#);
    let set = keys(&format!(r#"{{"keys":[{good},{{"kty":"oct","kid":"a","kid":"b"}},{{"kid":"c"}},7]}}"#));
    for kid in ["a", "b"] {
        assert_eq!(
            text(&set, Some(kid)),
            format!(
                "no key in the set fits EdDSA and `kid` \"{kid}\": key 2 of the set was skipped: \
                 a JWK has the member `kid` more than once"
            )
        );
    }
    assert!(text(&set, Some("c")).ends_with(": key 3 of the set was skipped: a JWK has no member `kty`"));
    assert!(text(&set, Some("d")).ends_with(": no key has that `kid`; the set has \"good\", 3 skipped"));
    assert!(set.select(None, Algorithm::EdDSA).is_ok());
    let none = keys(r#"{"keys":[{"kid":"c"},7]}"#);
    assert!(text(&none, Some("d")).ends_with(": no key has that `kid`; the set has 2 skipped"));
    assert_eq!(
        text(&none, None),
        "no key in the set fits EdDSA (the header has no `kid`): key \"c\" was skipped: a JWK has no member `kty`; \
         a key without `kid` was skipped: a JWK is not a JSON object"
    );
    // Another key with the same name does not hide it.
    let two = keys(&format!(r#"{{"keys":[{{"kid":"good"}},{}]}}"#, good.replace("}", r#","alg":"ES256"}"#)));
    assert!(text(&two, Some("good")).ends_with(
        ": key \"good\" is for ES256 (`alg`); key \"good\" was skipped: a JWK has no member `kty`"
    ));
}

fn header(json: &str) -> Header {
    let token = format!("{}.e30.{}", base64url::encode(json), base64url::encode([1; 256]));
    crate::jose::CompactJws::parse(&token).unwrap().header().clone()
}

#[test]
fn rfc7515_4_1_7_a_certificate_thumbprint_chooses_among_keys() {
    let file = ["rsa2048.cert.pem", "ca.cert.pem"];
    let certificates = file.map(|file| Certificate::all_from_bytes(&read(file)).unwrap().remove(0));
    let keys = file.map(|file| PublicKey::from_bytes(&read(file)).unwrap());
    assert_ne!(keys[0].jwk().parameters(), keys[1].jwk().parameters());
    let sha1 = certificates.each_ref().map(|certificate| base64url::encode(certificate.sha1()));
    let sha256 = certificates.each_ref().map(|certificate| base64url::encode(certificate.sha256()));
    let bare = keys.each_ref().map(|key| {
        let jwk = Jwk::new(key.jwk().parameters().clone()).to_json();
        jwk.strip_suffix('}').unwrap().to_owned()
    });
    let set = |more: [String; 2]| {
        let [a, b] = [0, 1].map(|index| format!("{}{}}}", bare[index], more[index]));
        PublicKeySet::from(JwkSet::from_json(format!(r#"{{"keys":[{a},{b}]}}"#).as_bytes()).unwrap())
    };
    let x5c =
        |index: usize| format!(r#","x5c":["{}"]"#, base64url::encode_standard(certificates[index].as_der()));
    let x5t = |index: usize| format!(r#","x5t":"{}""#, sha1[index]);
    let x5t_s256 = |index: usize| format!(r#","x5t#S256":"{}""#, sha256[index]);
    let chosen = |set: &PublicKeySet, members: &str| {
        let found = set.key_for(&header(&format!(r#"{{"alg":"RS256"{members}}}"#)));
        found.map(|found| {
            keys.iter().position(|key| key.jwk().parameters() == found.jwk().parameters()).unwrap()
        })
    };
    let error = |set: &PublicKeySet, members: &str| match chosen(set, members) {
        Err(KeyError::Jose(error)) => error,
        other => panic!("{other:?}"),
    };
    let algorithm = Algorithm::RS256;
    let ambiguous = JoseError::AmbiguousKey { kid: None, algorithm, found: 2 };
    for certified in
        [[x5c(0), x5c(1)], [x5t(0) + &x5t_s256(0), x5t(1) + &x5t_s256(1)], [x5c(0), x5t(1) + &x5t_s256(1)]]
    {
        let set = set(certified);
        for index in [0, 1] {
            assert_eq!(chosen(&set, &x5t(index)).unwrap(), index);
            assert_eq!(chosen(&set, &x5t_s256(index)).unwrap(), index);
            assert_eq!(chosen(&set, &(x5t(index) + &x5t_s256(index))).unwrap(), index);
            // The stronger one decides if both are present.
            assert_eq!(chosen(&set, &(x5t(1 - index) + &x5t_s256(index))).unwrap(), index);
            assert_eq!(chosen(&set, &(x5t(index) + r#","x5t#S256":"other""#)).unwrap(), index);
        }
        let reason = KeyMismatch::UnknownThumbprint { found: "other".to_owned(), known: sha1.to_vec() };
        let no_match = no_match(None, algorithm, reason);
        assert_eq!(error(&set, r#","x5t":"other""#), no_match);
        assert_eq!(
            no_match.to_string(),
            format!(
                "no key in the set fits RS256 (the header has no `kid`): no key has the certificate \"other\"; \
                 the set has \"{}\", \"{}\"",
                sha1[0], sha1[1]
            )
        );
        assert_eq!(error(&set, ""), ambiguous);
    }
    // The certificate itself takes precedence over the JWK's statement.
    let crossed = set([x5c(0) + &x5t(1), x5c(1) + &x5t(0)]);
    assert_eq!([0, 1].map(|index| chosen(&crossed, &x5t(index)).unwrap()), [0, 1]);
    let other = set([x5c(0) + r#","x5t":"other""#, x5c(1)]);
    assert_eq!(chosen(&other, r#","x5t":"other""#).unwrap(), 0);
    // The only key without a certificate may be chosen; of two such keys, neither is.
    let half = set([x5c(0), String::new()]);
    assert_eq!([&*x5t(0), r#","x5t":"other""#].map(|members| chosen(&half, members).unwrap()), [0, 1]);
    let none = set([String::new(), String::new()]);
    assert_eq!(error(&none, &x5t(0)), ambiguous);
    // Two keys with one thumbprint.
    let same = set([x5t(0), x5t(0)]);
    assert_eq!(error(&same, &x5t(0)), ambiguous);
    // The `kid` decides first; the thumbprint decides among keys with one name.
    let named = set([x5c(0) + r#","kid":"a""#, x5c(1) + r#","kid":"b""#]);
    assert_eq!(chosen(&named, &(x5t(0) + r#","kid":"b""#)).unwrap(), 1);
    let same_name = set([x5c(0) + r#","kid":"a""#, x5c(1) + r#","kid":"a""#]);
    assert_eq!([0, 1].map(|index| chosen(&same_name, &(x5t(index) + r#","kid":"a""#)).unwrap()), [0, 1]);
}

#[test]
fn a_skipped_key_that_a_thumbprint_names_is_named_with_its_reason() {
    let keys = ["rsa2048.cert.pem", "ca.cert.pem"].map(|file| PublicKey::from_bytes(&read(file)).unwrap());
    let jwk = |index: usize, more: &str| {
        let jwk = Jwk::new(keys[index].jwk().parameters().clone()).to_json();
        format!("{}{more}}}", jwk.strip_suffix('}').unwrap())
    };
    let found = |keys: [String; 2], members: &str| {
        let set = JwkSet::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap();
        let set = PublicKeySet::from(set);
        let found = set.key_for(&header(&format!(r#"{{"alg":"RS256"{members}}}"#)));
        found.map(|key| key.jwk().parameters().clone()).map_err(|error| error.to_string())
    };
    let lone = keys[1].jwk().parameters().clone();
    let reason = "key 1 of the set was skipped: an element of x5c is not base64 of DER";
    for (header, damaged, other, is_named) in [
        (r#","x5t":"a""#, r#","x5t":"a","x5c":["-"]"#, r#","x5t":"b""#, true),
        (r#","x5t#S256":"a""#, r#","x5t#S256":"a","x5c":["-"]"#, r#","x5t#S256":"b""#, true),
        // The header may mean the other key.
        (r#","x5t":"a""#, r#","x5t":"a","x5c":["-"]"#, "", false),
        (r#","x5t":"a""#, r#","x5t":"a","x5c":["-"]"#, r#","x5t":"a""#, false),
        (r#","x5t":"a""#, r#","x5t":"c","x5c":["-"]"#, r#","x5t":"b""#, false),
        (r#","x5t":"a""#, r#","x5t#S256":"a","x5c":["-"]"#, r#","x5t":"b""#, false),
        ("", r#","x5t":"a","x5c":["-"]"#, r#","x5t":"b""#, false),
    ] {
        let found = found([jwk(0, damaged), jwk(1, other)], header);
        let expected = format!("no key in the set fits RS256 (the header has no `kid`): {reason}");
        assert_eq!(
            found,
            if is_named { Err(expected) } else { Ok(lone.clone()) },
            "{header} {damaged} {other}"
        );
    }
}

#[test]
fn a_key_is_parsed_once() {
    let set = set(&[r#","kid":"a""#]);
    let [first, again] = [0, 1].map(|_| set.select(Some(&"a".into()), Algorithm::EdDSA).unwrap());
    assert!(std::ptr::eq(first, again));
}

#[test]
fn a_key_that_may_not_be_used_is_refused_each_time() {
    let small = Jwk::new(crate::jose::KeyParameters::Rsa { n: vec![0xff; 128], e: vec![1, 0, 1] });
    let set = PublicKeySet::from(JwkSet::from(small));
    for _ in 0..2 {
        let refused = set.select(None, Algorithm::RS256);
        assert!(matches!(refused, Err(KeyError::RsaSize { bits: 1024 })), "{refused:?}");
    }
}

#[test]
fn a_single_key_without_a_name_goes_by_any() {
    let key = |more: &str| {
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#);
        PublicKeySet::from(PublicKey::from_bytes(jwk.as_bytes()).unwrap())
    };
    for key_id in [None, Some(&"any".into())] {
        assert!(key("").select(key_id, Algorithm::EdDSA).is_ok());
    }
    assert_eq!(
        refusal(&key(r#","kid":"a""#), Some("b"), Algorithm::EdDSA),
        no_match(
            Some("b"),
            Algorithm::EdDSA,
            KeyMismatch::UnknownKeyId { known: vec!["a".to_owned()], others: 0, skipped: 0 }
        )
    );
}
