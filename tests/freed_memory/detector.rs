//! Shows that a leak is found, whatever causes it.

use std::hint::black_box;
use std::sync::Arc;

use crate::marks::{Marks, SHORTEST};
use crate::watch::{is_clean, leaks, record, turn};

const SECRET: &[u8] = b"a secret of 32 bytes: Zq7!xW2#pL";

fn marks() -> Arc<Marks> {
    assert_eq!(SECRET.len(), 32);
    Arc::new(Marks::default().bytes("the secret", SECRET).ready())
}

/// The secret is stored in the value itself, and stays there when the value is moved away.
enum Either {
    Secret(zeroize::Zeroizing<[u8; 32]>),
    Other(u8),
}

#[test]
fn a_planted_leak_is_found() {
    let (turn, marks) = (turn(), marks());
    let found = |what: &str, work: &dyn Fn()| {
        let found = leaks(&turn, &marks, work);
        assert!(!found.is_empty(), "{what} is not found");
        assert!(found.iter().all(|leak| leak.secret.ends_with(" of the secret")), "{what}");
        let names_it = |name: &String| name.contains("a_planted_leak_is_found");
        assert!(found.iter().all(|leak| leak.functions.iter().any(names_it)), "{what}");
        assert_eq!(record(&turn, work).leaks(&marks).len(), found.len(), "{what}");
    };
    found("a plain copy", &|| drop(black_box(SECRET.to_vec())));
    found("a part of it", &|| drop(black_box(SECRET[9..9 + SHORTEST].to_vec())));
    found("a part of a large block", &|| {
        drop(black_box([&[7; 1001][..], &SECRET[5..5 + SHORTEST], &[7; 5000]].concat()));
    });
    found("a buffer that grows", &|| {
        let mut buffer = zeroize::Zeroizing::new(SECRET.to_vec());
        buffer.extend_from_slice(SECRET);
    });
    found("a buffer that shrinks", &|| {
        let mut buffer = SECRET.to_vec();
        buffer.truncate(1);
        drop(black_box(buffer));
    });
    found("dead bytes of an enum", &|| {
        let secret = zeroize::Zeroizing::new(SECRET.try_into().unwrap());
        let mut list = black_box(vec![Either::Other(1), Either::Secret(secret)]);
        match list.pop() {
            Some(Either::Secret(secret)) => drop(secret),
            Some(Either::Other(other)) => panic!("{other}"),
            None => panic!("nothing"),
        }
    });
    found("a list that is moved out of", &|| {
        let list = black_box(vec![zeroize::Zeroizing::new(<[u8; 32]>::try_from(SECRET).unwrap())]);
        list.into_iter().for_each(drop);
    });
    for before in ["", "a", "ab"] {
        found("base64", &|| {
            use base64ct::Encoding as _;
            let secret = [before.as_bytes(), SECRET].concat();
            drop(black_box(base64ct::Base64::encode_string(&zeroize::Zeroizing::new(secret))));
        });
    }
}

#[test]
fn a_leak_of_another_thread_is_found() {
    let (turn, marks) = (turn(), marks());
    let found = leaks(&turn, &marks, || {
        std::thread::scope(|scope| {
            scope.spawn(|| drop(black_box(SECRET.to_vec())));
        });
    });
    assert_eq!(found.len(), 1);
}

#[test]
fn what_is_wiped_is_not_found() {
    let (turn, marks) = (turn(), marks());
    is_clean(&turn, "a wiped copy", &marks, || {
        drop(black_box(zeroize::Zeroizing::new(SECRET.to_vec())));
        drop(black_box(SECRET[..SHORTEST - 1].to_vec()));
        drop(black_box(b"a text with nothing in it, or less".to_vec()));
    });
}
