//! Clients from a folder.

use std::fs;

use private_key_jwt::dev_server::{ClientKeys, DevServerError};

use super::*;

fn in_folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, DevServer) {
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        fs::write(folder.path().join(name), contents).unwrap();
    }
    (folder, DevServer::new(ORIGIN).unwrap())
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

#[test]
fn ten_thousand_clients_are_registered_and_each_gets_its_token() {
    const CLIENTS: usize = 10_000;
    let key = es256();
    let jwks = jwks(&key).to_json();
    let folder = tempfile::tempdir().unwrap();
    for number in 0..CLIENTS {
        fs::write(folder.path().join(format!("client-{number}.json")), &jwks).unwrap();
    }
    let dev = DevServer::new(ORIGIN).unwrap();
    let outcome = dev.register_folder(folder.path()).unwrap();
    assert_eq!((outcome.registered, outcome.refused.len()), (CLIENTS, 0));
    for id in ["client-0", "client-4321", "client-9999"] {
        let assertion = ClientAssertion::builder(id, &server(&dev)).sign(&key, now(), fresh()).unwrap();
        let token = TokenRequest::client_credentials(()).to_http(&server(&dev), &assertion).unwrap();
        assert_eq!(
            claims(&dev, good(&dev.respond(&token, now()))["access_token"].as_str().unwrap())["sub"],
            id
        );
    }
    let stranger =
        ClientAssertion::builder("client-10000", &server(&dev)).sign(&key, now(), fresh()).unwrap();
    let token = TokenRequest::client_credentials(()).to_http(&server(&dev), &stranger).unwrap();
    assert_eq!(
        refusal(&dev.respond(&token, now())),
        invalid_client(
            "client `client-10000` is not registered, registered: `client-0`, `client-1`, `client-10`, \
             `client-100`, `client-1000` and more"
        )
    );
}

#[test]
fn a_file_that_is_no_client_is_named_and_does_not_stop_the_others() {
    let good = jwks(&es256()).to_json();
    let private = fs::read("testdata/keys/p256.pkcs8.pem").unwrap();
    let large = vec![b' '; PrivateKey::MAX_FILE_LEN + 1];
    let (folder, dev) = in_folder(&[
        ("a.json", good.as_bytes()),
        ("bad.json", b"{"),
        ("empty.json", b""),
        ("large.json", &large),
        ("private.pem", &private),
        ("twice.json", good.as_bytes()),
        ("twice.jwks", good.as_bytes()),
        ("unusable.json", br#"{"keys":[]}"#),
        ("\u{fc}.json", good.as_bytes()),
        ("z", good.as_bytes()),
        (".hidden.json", b"{"),
    ]);
    fs::create_dir(folder.path().join("folder.json")).unwrap();
    let outcome = dev.register_folder(folder.path()).unwrap();
    assert_eq!(outcome.registered, 3);
    let refused: Vec<String> = outcome.refused.iter().map(|error| chain(error)).collect();
    assert_eq!(
        refused,
        [
            "client file bad.json: a JWK is not JSON (line 1, column 1)",
            "client file empty.json: the key file is empty",
            "client file large.json: the key file is too large: read 1048577 bytes, the limit is 1048576",
            "client file private.pem: expected a public key, found PRIVATE KEY",
            "client file twice.jwks: the client id is that of another file of the folder",
            "client file unusable.json: client `unusable` has no key that can check a signature",
            "client file \u{fc}.json: the client id is not printable ASCII (RFC 6749 A.1)",
        ]
    );
    for error in outcome.refused {
        assert!(matches!(support::clean(error), DevServerError::ClientFile { .. }));
    }
    for id in ["a", "twice", "z"] {
        dev.register(id, ClientKeys::from_bytes(good.as_bytes()).unwrap()).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_read_is_an_error_and_an_empty_one_is_not() {
    let (folder, dev) = in_folder(&[]);
    assert_eq!(dev.register_folder(folder.path()).unwrap().registered, 0);
    let missing = folder.path().join("missing");
    match dev.register_folder(&missing).unwrap_err() {
        DevServerError::ClientFolder { path, source } => {
            assert_eq!(path, missing.to_str().unwrap());
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        }
        other => panic!("{other:?}"),
    }
}

/// Kubernetes mounts a folder whose files are links.
#[cfg(unix)]
#[test]
fn a_link_counts_as_its_file_and_a_broken_one_is_named() {
    let good = jwks(&es256()).to_json();
    let (folder, dev) = in_folder(&[(".data", good.as_bytes())]);
    let link = |name: &str, to: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    link("linked.json", ".data");
    link("broken.json", "nowhere");
    let outcome = dev.register_folder(folder.path()).unwrap();
    assert_eq!(outcome.registered, 1);
    assert_eq!(
        outcome.refused.iter().map(|error| chain(error)).collect::<Vec<_>>(),
        ["client file broken.json: cannot be read: No such file or directory (os error 2)"]
    );
}
