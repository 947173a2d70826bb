//! JSONTestSuite: valid JSON is read, invalid JSON is refused, and nothing panics.
//!
//! A reader of JWK Sets expects an object with a member `keys`, which none of these texts is. So
//! each text is read twice: as the document, which must be refused, and as the value of an ignored
//! member, where valid JSON must be accepted.

use private_key_jwt::JwkSet;
use private_key_jwt::jose::JoseError;
use private_key_jwt::{Jwk, PrivateKey, PublicKey};

use super::{files, read};

/// JSON whose objects have a name twice. RFC 7515 §4 and RFC 7517 §4 let a reader refuse it, and
/// this reader does so at any depth.
const REPEATED: [&str; 2] = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

/// Texts that RFC 8259 allows a parser to refuse (§6 numbers out of range, §8.1 byte order marks,
/// §8.2 lone surrogates, §9 depth), and that are accepted.
const TAKEN: [&str; 4] = [
    "i_number_double_huge_neg_exp.json",
    "i_number_real_underflow.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
];

fn within(text: &[u8]) -> Vec<u8> {
    [br#"{"keys":[],"other":"#, text, b"}"].concat()
}

#[test]
fn json_is_read_and_what_is_not_json_is_refused() {
    let (mut must, mut may, mut must_not) = (0, Vec::new(), 0);
    for file in files("json-test-suite/test_parsing") {
        let text = read(&file);
        let name = file.rsplit('/').next().unwrap();
        assert!(JwkSet::from_json(&text).is_err(), "{name}");
        assert!(Jwk::from_json(&text).is_err() && PrivateKey::from_bytes(&text).is_err(), "{name}");
        assert!(PublicKey::from_bytes(&text).is_err(), "{name}");
        let read = JwkSet::from_json(&within(&text));
        match name.split_once('_').unwrap().0 {
            "y" => {
                must += 1;
                match read {
                    Ok(set) => assert!(set.keys().is_empty() && !REPEATED.contains(&name), "{name}"),
                    Err(JoseError::DuplicateMember { .. }) => assert!(REPEATED.contains(&name), "{name}"),
                    Err(error) => panic!("{name}: {error}"),
                }
                assert!(!matches!(JwkSet::from_json(&text), Err(JoseError::Json { .. })), "{name}");
            }
            "n" => {
                must_not += 1;
                let error = read.map(|_| ()).expect_err(name);
                assert!(matches!(error, JoseError::Json { .. }), "{name}: {error:?}");
            }
            "i" => {
                if read.is_ok() {
                    may.push(name.to_owned());
                }
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(may, TAKEN);
    assert_eq!((must, must_not), (56, 111));
}
