//! Registration, and the keys of clients.

use base64ct::{Base64, Encoding};
use private_key_jwt::PublicKey;
use private_key_jwt::dev_server::{ClientKeys, DevServerError};
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::oauth::OAuthError;

use super::*;
use crate::support::http::{ScriptedHttp, answer, ok};

#[test]
fn keys_are_read_from_a_jwks_a_jwk_a_certificate_and_a_public_key() {
    let read = |file: &str| ClientKeys::from_bytes(&std::fs::read(format!("testdata/keys/{file}")).unwrap());
    let key = PrivateKey::from_file("testdata/keys/p256.pkcs8.pem").unwrap();
    let files =
        ["p256.cert.pem", "p256.pub.pem", "rsa2048.cert.der", "ed25519.pub.pem", "p256.key-then-cert.pem"];
    for file in files {
        assert!(matches!(read(file).unwrap(), ClientKeys::PublicKey(_)), "{file}");
    }
    let jwk = key.public_jwk();
    assert_eq!(
        ClientKeys::from_bytes(jwk.to_json().as_bytes()).unwrap(),
        PublicKey::from_jwk(jwk).unwrap().into()
    );
    let set = jwks(&key);
    assert_eq!(ClientKeys::from_bytes(set.to_json().as_bytes()).unwrap(), set.clone().into());
    let with_bom = [b"\xef\xbb\xbf".as_slice(), set.to_json().as_bytes()].concat();
    assert_eq!(ClientKeys::from_bytes(&with_bom).unwrap(), set.into());

    assert!(matches!(ClientKeys::from_bytes(b""), Err(DevServerError::Key(KeyError::Empty))));
    assert!(matches!(ClientKeys::from_bytes(br#"{"keys":1}"#), Err(DevServerError::Jose(_))));
    assert!(matches!(read("p256.pkcs8.pem"), Err(DevServerError::Key(KeyError::NotPublic { .. }))));
    assert!(matches!(
        read("p256.jwk.json"),
        Err(DevServerError::Key(KeyError::Jose(JoseError::PrivateMember { member: "d" })))
    ));
}

/// A weak key is refused at registration, even next to a sound one.
#[test]
fn no_client_is_registered_with_an_rsa_key_that_can_be_factored() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let sound = es256().public_jwk().to_json();
    for name in ["small-factor", "close-primes", "prime-modulus", "cube", "roca"] {
        let file = std::fs::read(format!("testdata/keys/bad/rsa2048.{name}.jwk.json")).unwrap();
        let mut jwk: Value = serde_json::from_slice(&file).unwrap();
        jwk.as_object_mut().unwrap().retain(|name, _| ["kty", "n", "e"].contains(&name.as_str()));
        let single = ClientKeys::from_bytes(jwk.to_string().as_bytes()).map(|_| ());
        assert!(matches!(single, Err(DevServerError::Key(KeyError::WeakRsa { .. }))), "{name}: {single:?}");
        for set in [format!(r#"{{"keys":[{jwk}]}}"#), format!(r#"{{"keys":[{sound},{jwk}]}}"#)] {
            let keys = ClientKeys::from_bytes(set.as_bytes()).unwrap();
            let refused = dev.register("client", keys);
            assert!(
                matches!(refused, Err(DevServerError::Key(KeyError::WeakRsa { .. }))),
                "{name}: {refused:?}"
            );
        }
    }
}

#[test]
fn a_client_registered_by_certificate_may_name_its_key_as_it_likes() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let certificate = std::fs::read("testdata/keys/p256.cert.pem").unwrap();
    dev.register("client", ClientKeys::from_bytes(&certificate).unwrap()).unwrap();
    let key = PrivateKey::from_file("testdata/keys/p256.pkcs8.pem").unwrap();
    for request in [
        request(&dev, &key, as_it_is),
        request(&dev, &key.clone().with_key_id("mine"), as_it_is),
        request(&dev, &key, ClientAssertionBuilder::without_key_id),
    ] {
        assert_eq!(dev.respond(&request, now()).status(), 200);
    }
    assert_eq!(
        refusal(&dev.respond(&request(&dev, &es256(), as_it_is), now())),
        invalid_client("the signature does not verify with the key that client `client` registered")
    );
}

#[test]
fn rfc4055_1_2_a_key_that_is_for_pss_alone_stays_so_when_it_is_registered() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let public = std::fs::read("testdata/keys/rsa2048-pss.pub.pem").unwrap();
    dev.register("client", ClientKeys::from_bytes(&public).unwrap()).unwrap();
    let key = PrivateKey::from_file("testdata/keys/rsa2048-pss.pkcs8.pem").unwrap();
    assert_eq!(dev.respond(&request(&dev, &key, as_it_is), now()).status(), 200);
    // The same numbers without the identifier that restricts them: the RSAPrivateKey inside the
    // PKCS#8 document.
    let pem = std::fs::read_to_string("testdata/keys/rsa2048-pss.pkcs8.pem").unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let pkcs8 = Base64::decode_vec(&body).unwrap();
    let unrestricted = PrivateKey::from_bytes(&pkcs8[24..]).unwrap();
    assert_eq!(unrestricted.algorithm(), Algorithm::RS256);
    assert_eq!(
        refusal(&dev.respond(&request(&dev, &unrestricted, as_it_is), now())),
        invalid_client(
            "the id-RSASSA-PSS key is restricted to PS256, PS384 and PS512, so RS256 is not allowed"
        )
    );
}

#[test]
fn what_could_never_verify_is_not_registered() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let key = es256();
    let register = |client_id: &str, keys: ClientKeys| dev.register(client_id, keys);
    assert!(matches!(register("", jwks(&key).into()), Err(DevServerError::ClientId { reason: "empty" })));
    assert!(matches!(register("a\n", jwks(&key).into()), Err(DevServerError::ClientId { .. })));
    let empty = JwkSet::default();
    match register("client", empty.into()) {
        Err(DevServerError::NoUsableKey { client_id, reason: None }) => assert_eq!(client_id, "client"),
        other => panic!("{other:?}"),
    }
    let symmetric = JwkSet::from_json(br#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#).unwrap();
    let error = register("client", symmetric.into()).unwrap_err();
    assert_eq!(error.to_string(), "client `client` has no key that can check a signature");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "a public JWK has the private member `k`");
    // A key whose `alg` is not for signatures, as a set and as a single key.
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    for (more, expected) in [
        (r#","alg":"ECDH-ES""#, "unsupported algorithm `ECDH-ES`"),
        (r#","alg":"future""#, "unsupported algorithm `future`"),
        (r#","alg":"ES256""#, "ES256 needs a key of type EC P-256, found Ed25519"),
        (r#","use":"enc""#, "the JWK is not for signatures (`use`, `key_ops`)"),
    ] {
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"{more}}}"#);
        let mut sources = vec![ClientKeys::from_bytes(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes())];
        if !more.contains("use") {
            sources.push(ClientKeys::from_bytes(jwk.as_bytes()));
        }
        for keys in sources {
            match register("client", keys.unwrap()) {
                Err(DevServerError::NoUsableKey { reason: Some(reason), .. }) => {
                    assert_eq!(reason.to_string(), expected);
                }
                other => panic!("{more}: {other:?}"),
            }
        }
    }
    // One key that can verify is enough.
    let good = format!(
        r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}","alg":"ECDH-ES"}},{}]}}"#,
        key.public_jwk().to_json()
    );
    register("client", ClientKeys::from_bytes(good.as_bytes()).unwrap()).unwrap();
    for url in ["http://as.example/jwks", "jwks", "https://a@as.example/jwks"] {
        let keys = ClientKeys::JwksUrl(url.to_owned());
        assert!(matches!(
            register("client", keys),
            Err(DevServerError::OAuth(OAuthError::Endpoint { endpoint: "jwks_uri", .. }))
        ));
    }
}

#[tokio::test]
async fn a_jwks_url_is_asked_only_when_its_keys_are_needed() {
    let dev = DevServer::new(ORIGIN).unwrap();
    let key = es256();
    let url = "https://client.example/jwks";
    dev.register("client", ClientKeys::JwksUrl(url.to_owned())).unwrap();

    assert_eq!(
        refusal(&dev.respond(&request(&dev, &key, as_it_is), now())),
        invalid_client("the JWKS URL of client `client` was not fetched yet")
    );
    let broken = ScriptedHttp::answering(|_| answer(503, &[], ""));
    let exchange = dev.handle_with(&request(&dev, &key, as_it_is), now(), &broken).await;
    assert_eq!(
        refusal(&exchange.response),
        invalid_client(&format!("the JWKS URL of client `client`: {url} answered 503"))
    );

    let document = jwks(&key).to_json();
    let there = ScriptedHttp::answering(move |_| ok(&[], &document));
    for _ in 0..2 {
        let exchange = dev.handle_with(&request(&dev, &key, as_it_is), now(), &there).await;
        assert_eq!(exchange.response.status(), 200);
    }
    assert_eq!(there.requests(), 1);

    // An unknown key: the document is fetched again, once. A document that cannot be read removes
    // no keys.
    let other = es256();
    let exchange = dev.handle_with(&request(&dev, &other, as_it_is), now(), &there).await;
    assert_eq!(exchange.response.status(), 400);
    assert_eq!(there.requests(), 2);
    let garbage = ScriptedHttp::answering(|_| ok(&[], "<html>"));
    let exchange = dev.handle_with(&request(&dev, &other, as_it_is), now(), &garbage).await;
    assert_eq!(
        refusal(&exchange.response),
        invalid_client("the JWKS URL of client `client`: a JWK Set is not JSON (line 1, column 1)")
    );
    assert_eq!(dev.respond(&request(&dev, &key, as_it_is), now()).status(), 200);

    // A bad signature does not cause a request.
    let forged = es256().with_key_id(key.key_id().as_str());
    let exchange = dev.handle_with(&request(&dev, &forged, as_it_is), now(), &there).await;
    let said = "the signature does not verify with the key that client `client` registered";
    assert_eq!(refusal(&exchange.response), invalid_client(said));
    assert_eq!(there.requests(), 2);

    assert!(matches!(
        dev.refresh("stranger", &there).await,
        Err(DevServerError::UnknownClient { client_id }) if client_id == "stranger"
    ));
}
