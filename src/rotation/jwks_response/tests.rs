#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::LazyLock;

use http::header::IF_NONE_MATCH;
use proptest::prelude::*;
use time::OffsetDateTime;

use super::*;
use crate::jose::{Algorithm, Jwk};
use crate::keys::PrivateKey;

/// Five keys with names that sort.
static KEYS: LazyLock<Vec<PrivateKey>> = LazyLock::new(|| {
    let key = |name: &str| {
        let key = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
        key.with_key_id(name)
    };
    ["k1", "k2", "k3", "k4", "k5"].map(key).into()
});

/// A ring whose first key is active and whose others are published, all at the same time.
fn ring(keys: &[&PrivateKey]) -> KeyRing {
    let ring = KeyRing::from(keys[0].clone());
    for key in &keys[1..] {
        ring.publish((*key).clone(), OffsetDateTime::UNIX_EPOCH).unwrap();
    }
    ring
}

/// A small set, whose body and tag are known.
fn set() -> JwksResponse {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let json = format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"{x}"}}"#);
    JwksResponse::new(&Jwk::from_json(json.as_bytes()).unwrap().into(), Duration::from_secs(200))
}

const BODY: &str = r#"{"keys":[{"crv":"Ed25519","kid":"k1","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const TAG: &str = "\"Ue8bkuz-nwbuR3Ha3wnhFnmhlDvv6W09Xf9ohnzxLSA\"";

/// Everything in an answer: the status, the header fields in the order of their names, and the
/// body.
fn shown(answer: &Response<Vec<u8>>) -> String {
    let mut fields: Vec<String> =
        answer.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    fields.sort();
    format!("{} [{}] {}", answer.status().as_u16(), fields.join("; "), str::from_utf8(answer.body()).unwrap())
}

#[test]
fn every_request_has_its_exact_answer() {
    let full = |length: &str, body: &str| {
        format!(
            "200 [access-control-allow-origin: *; cache-control: public, max-age=200; {length}\
             content-type: application/jwk-set+json; etag: {TAG}; x-content-type-options: nosniff] {body}"
        )
    };
    let get = full("", BODY);
    let head = full("content-length: 101; ", "");
    let known =
        format!("304 [access-control-allow-origin: *; cache-control: public, max-age=200; etag: {TAG}] ");
    let refused = "405 [allow: GET, HEAD] ".to_owned();

    let tag = TAG.as_bytes();
    let with = |before: &[u8], after: &[u8]| [before, tag, after].concat();
    let inside = &tag[1..tag.len() - 1];
    let table: Vec<(&str, Vec<Vec<u8>>, &String)> = vec![
        ("GET", vec![], &get),
        ("HEAD", vec![], &head),
        // §13.1.2: the tag, weak or strong, alone or in a list, on one line or on several.
        ("GET", vec![tag.to_vec()], &known),
        ("HEAD", vec![tag.to_vec()], &known),
        ("GET", vec![with(b"W/", b"")], &known),
        ("GET", vec![with(b" \t", b"\t ")], &known),
        ("GET", vec![with(b"\"a\", \"b\",", b"")], &known),
        ("GET", vec![with(b"", b" , W/\"b\"")], &known),
        ("GET", vec![b"\"a\"".to_vec(), tag.to_vec()], &known),
        ("GET", vec![tag.to_vec(), b"\"a\"".to_vec()], &known),
        ("GET", vec![with(b"\"a,b\\\", \"\xe4\",", b"")], &known),
        // §5.6.1.2: empty elements.
        ("GET", vec![with(b",, ,", b",,")], &known),
        ("GET", vec![b"*".to_vec()], &known),
        ("HEAD", vec![b" * ".to_vec()], &known),
        // Other tags.
        ("GET", vec![b"\"a\"".to_vec()], &get),
        ("HEAD", vec![b"\"a\"".to_vec()], &head),
        ("GET", vec![b"\"\"".to_vec()], &get),
        ("GET", vec![b"".to_vec()], &get),
        ("GET", vec![b" , ".to_vec()], &get),
        ("GET", vec![with(b"\"a", b"")], &get),
        ("GET", vec![[&b"\""[..], inside, b"-gzip\""].concat()], &get),
        ("GET", vec![[&b"\""[..], &inside[1..], b"\""].concat()], &get),
        // Malformed values match nothing.
        ("GET", vec![inside.to_vec()], &get),
        ("GET", vec![tag[..tag.len() - 1].to_vec()], &get),
        ("GET", vec![with(b"w/", b"")], &get),
        ("GET", vec![with(b"W/ ", b"")], &get),
        ("GET", vec![with(b"", b" \"b\"")], &get),
        ("GET", vec![with(b"", b"x")], &get),
        ("GET", vec![with(b"*, ", b"")], &get),
        ("GET", vec![tag.to_vec(), b"*".to_vec()], &get),
        ("GET", vec![b"*".to_vec(), b"*".to_vec()], &get),
        ("GET", vec![with(b"\"a b\", ", b"")], &get),
        ("GET", vec![b"\"".to_vec()], &get),
        ("GET", vec![b"W/".to_vec()], &get),
        ("GET", vec![b"\xff".to_vec()], &get),
        // §15.5.6
        ("POST", vec![], &refused),
        ("PUT", vec![tag.to_vec()], &refused),
        ("DELETE", vec![b"*".to_vec()], &refused),
        ("OPTIONS", vec![], &refused),
        ("get", vec![], &refused),
        ("", vec![], &refused),
    ];
    for (method, if_none_match, expected) in table {
        let what = format!(
            "{method} {:?}",
            if_none_match.iter().map(|value| value.escape_ascii().to_string()).collect::<Vec<_>>()
        );
        assert_eq!(shown(&set().respond(method, if_none_match)), *expected, "{what}");
    }
    assert_eq!((set().body(), set().etag()), (BODY, TAG));
}

/// With the types of `http`, also for header fields on several lines.
#[test]
fn a_request_of_an_http_server_is_answered_with_the_ring_of_that_moment() {
    let ring = ring(&[&KEYS[0]]);
    let jwks = ring.jwks_response();
    let answer =
        |headers: &HeaderMap| ring.jwks_response().respond(http::Method::GET, headers.get_all(IF_NONE_MATCH));
    let mut headers = HeaderMap::new();
    let first: Response<Vec<u8>> = answer(&headers);
    assert_eq!(first.body(), jwks.body().as_bytes());
    assert_eq!(JwkSet::from_json(first.body()).unwrap(), ring.jwks());
    headers.append(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
    headers.append(IF_NONE_MATCH, first.headers()[ETAG].clone());
    let again: Response<Vec<u8>> = answer(&headers);
    assert_eq!((again.status(), again.body().len()), (StatusCode::NOT_MODIFIED, 0));
    ring.publish(KEYS[1].clone(), OffsetDateTime::UNIX_EPOCH).unwrap();
    let changed: Response<Vec<u8>> = answer(&headers);
    assert_eq!(JwkSet::from_json(changed.body()).unwrap().keys().len(), 2);
    ring.revoke(&"k1".into());
    ring.revoke(&"k2".into());
    assert_eq!(ring.jwks_response().body(), r#"{"keys":[]}"#);
}

/// RFC 9111 §5.2.2.1: seconds, as a number without a fraction.
#[test]
fn caches_keep_a_copy_for_a_third_of_the_propagation_time_and_an_hour_at_most() {
    let of = |propagation| {
        let ring = ring(&[&KEYS[0]]).with_propagation(propagation);
        let answer: Response<Vec<u8>> = ring.jwks_response().respond("GET", [""; 0]);
        answer.headers()[CACHE_CONTROL].to_str().unwrap().to_owned()
    };
    let max_age = |seconds| format!("public, max-age={seconds}");
    assert_eq!(of(KeyRing::PROPAGATION), max_age(100));
    for (millis, expected) in [
        (0, 0),
        (2_999, 0),
        (3_000, 1),
        (599_999, 199),
        (600_000, 200),
        (10_800_000, 3600),
        (10_803_000, 3600),
    ] {
        assert_eq!(of(Duration::from_millis(millis)), max_age(expected), "{millis}");
    }
    assert_eq!(of(Duration::MAX), max_age(3600));
}

proptest! {
    #[test]
    fn rings_with_the_same_keys_print_the_same_bytes(
        one in Just((0..5).collect::<Vec<usize>>()).prop_shuffle(),
        other in Just((0..5).collect::<Vec<usize>>()).prop_shuffle(),
        count in 1_usize..=5,
    ) {
        let chosen = &one[..count];
        let other: Vec<usize> = other.into_iter().filter(|index| chosen.contains(index)).collect();
        let of = |order: &[usize]| {
            ring(&order.iter().map(|index| &KEYS[*index]).collect::<Vec<_>>()).jwks_response()
        };
        prop_assert_eq!(of(chosen), of(&other));
        // Another set has another tag.
        if count > 1 {
            prop_assert_ne!(of(chosen).etag().to_owned(), of(&chosen[1..]).etag().to_owned());
        }
    }

    /// A cache must never take another tag for this one, whatever a request contains.
    #[test]
    fn no_value_is_a_panic_and_only_one_with_the_tag_or_a_star_matches(
        values in prop::collection::vec(prop::collection::vec(prop::sample::select(b"\"W/*, a\t\xff".to_vec()), 0..12), 0..4),
    ) {
        let answer: Response<Vec<u8>> = set().respond("GET", &values);
        let is_star = values.len() == 1 && values[0].trim_ascii() == b"*";
        prop_assert_eq!(answer.status() == StatusCode::NOT_MODIFIED, is_star);
    }
}
