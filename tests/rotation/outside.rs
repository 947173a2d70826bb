//! Keys outside the process: entries of the manifest that are URIs, and their signers.

use std::sync::Arc;

use private_key_jwt::keys::{BoxFuture, KeyError, SignerError};
use private_key_jwt::rotation::KeyDirectoryError;
use private_key_jwt::{Algorithm, Jwk, RemoteSigner, Signature, Signer};

use super::support::{clean, key as fixed};
use super::world::*;

#[tokio::test]
async fn a_key_outside_the_process_is_named_by_its_uri() {
    let world = World::new();
    let (a, key) = (pem(), fixed("p256.pkcs8.pem"));
    let uri = "vault:transit/keys/oauth";
    world.write("a.pem", &a.text);
    world.write("keys.toml", entry("a.pem", &[]) + &entry(uri, &[("publish", 0), ("activate", PROPAGATION)]));
    let keys = world.open().await;
    assert_eq!(
        problems(&keys),
        [format!(
            "{uri}: the manifest names this URI, and no signer was passed for it; call KeyDirectoryBuilder::signer"
        )]
    );
    let public = key.public_key().unwrap();
    let remote = RemoteSigner::new(public, Algorithm::ES256, move |input: Vec<u8>| {
        let signature = key.sign(&input).map_err(|error| SignerError::from(error.to_string()));
        async move { signature }
    });
    let keys = world.builder().signer(uri, remote.unwrap()).open().await.unwrap();
    world.pass(&keys, PROPAGATION).await;
    check(&keys);
    let of_remote = signer(&keys);
    assert_eq!(active(&keys), fixed("p256.pkcs8.pem").key_id().as_str());
    world.pass(&keys, 10).await;
    assert!(Arc::ptr_eq(&signer(&keys), &of_remote));
}

#[tokio::test]
async fn a_signer_that_differs_from_its_entry_is_a_problem_of_that_entry() {
    let uri = "pkcs11:token=prod;object=oauth";
    for (facts, problem) in [
        ("kid = \"hsm\"\nalg = \"ES256\"\n", None),
        (
            "kid = \"other\"\n",
            Some("the manifest states kid `other`, the key has `hsm`; correct the manifest or the file"),
        ),
        (
            "alg = \"RS256\"\n",
            Some("the manifest states RS256, the key signs with ES256; correct the manifest"),
        ),
    ] {
        let world = World::new();
        let a = pem();
        world.write("a.pem", &a.text);
        let outside = entry(uri, &[("publish", -900), ("activate", -1)]) + facts;
        world.write("keys.toml", entry("a.pem", &[]) + &outside);
        let hsm = fixed("p256.pkcs8.pem").with_key_id("hsm");
        let keys = world.builder().signer(uri, hsm).open().await.unwrap();
        check(&keys);
        assert_eq!(problems(&keys), problem.map(|problem| format!("{uri}: {problem}")).as_slice());
        assert_eq!(active(&keys), if problem.is_none() { "hsm" } else { &*a.id });
    }
}

/// Signs with another algorithm than its key is for.
struct Misfit(Jwk);

impl Signer for Misfit {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }

    fn public_jwk(&self) -> &Jwk {
        &self.0
    }

    fn sign<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        panic!("it must not sign")
    }
}

#[tokio::test]
async fn a_signer_that_may_not_be_used_is_refused_when_the_folder_is_opened() {
    let world = World::new();
    world.write("a.pem", pem().text);
    let misfit = Misfit(fixed("p256.pkcs8.pem").public_jwk().clone());
    let error = clean(world.builder().signer("vault:oauth", misfit).open().await.unwrap_err());
    assert!(matches!(error, KeyDirectoryError::Signer { .. }), "{error:?}");
    assert_eq!(
        format!("{error:#}"),
        "cannot use the signer for vault:oauth: RS256 needs a key of type RSA, found EC P-256"
    );
}
