//! Certificates that come with keys, PKCS#12 and passphrases.

use private_key_jwt::PrivateKey;

use super::support::testdata;
use super::world::*;

/// The last second of the certificate of p256.key-then-cert.pem, after the start of the test.
const END: i64 = 4_948_906_867 - 1_800_000_000;

#[tokio::test]
async fn the_end_of_a_certificate_is_announced_once_and_is_then_a_problem() {
    let world = World::new();
    world.write("tls.pem", testdata("keys/p256.key-then-cert.pem"));
    let keys = world.open().await;
    assert_eq!(keys.status().keys[0].not_after, Some(at(END)));
    let month = 30 * DAY;
    world.pass(&keys, END - month - 1).await;
    assert_eq!(world.events.take(), <[String; 0]>::default());
    world.pass(&keys, 1).await;
    world.pass(&keys, 1).await;
    assert_eq!(world.events.take(), [format!("tls.pem expires in {month} s")]);
    world.pass(&keys, month - 1).await;
    assert_eq!((world.events.take(), problems(&keys)), (vec![], vec![]));
    world.pass(&keys, 1).await;
    world.pass(&keys, DAY).await;
    check(&keys);
    let expired = "the certificate expired at 2126-10-29T00:21:07Z; renew it";
    assert_eq!(world.events.take(), [format!("tls.pem began: {expired}")]);
    // A lone key signs also after a restart, because the alternative is no key.
    let restarted = world.open().await;
    check(&restarted);
    assert_eq!(problems(&restarted), [format!("tls.pem: {expired}")]);
}

#[tokio::test]
async fn a_new_key_with_an_expired_certificate_is_not_taken() {
    let world = World::new();
    let a = pem();
    world.write("tls.pem", &a.text);
    let keys = world.open().await;
    world.pass(&keys, END).await;
    world.write("tls.pem", testdata("keys/p256.key-then-cert.pem"));
    world.pass(&keys, 1).await;
    world.pass(&keys, PROPAGATION).await;
    check(&keys);
    assert_eq!((active(&keys), published(&keys)), (a.id.clone(), vec![a.id.clone()]));
    assert_eq!(
        world.events.take(),
        ["tls.pem began: the certificate expired at 2126-10-29T00:21:07Z; renew it"]
    );
}

#[cfg(feature = "pkcs12")]
#[tokio::test]
async fn a_pkcs12_file_and_its_passphrase() {
    let world = World::new();
    world.write("client.p12", testdata("keys/p256.p12"));
    let keys = world.builder().passphrase(PASSPHRASE).open().await.unwrap();
    check(&keys);
    assert_eq!(keys.status().keys[0].not_after, Some(at(END)));
}

#[tokio::test]
async fn passphrases_come_from_the_builder_or_as_the_manifest_says() {
    let encrypted = testdata("keys/p256.pbkdf2-sha256-aes256.pem");
    let passphrase = PASSPHRASE;
    let world = World::new();
    world.write("a.pem", &encrypted);
    let error = world.try_open().await.unwrap_err();
    assert_eq!(
        format!("{error:#}").split(": ").skip(1).collect::<Vec<_>>(),
        ["a.pem", "not a usable key", "the key is encrypted", "a passphrase is required"]
    );
    check(&world.builder().passphrase(passphrase).open().await.unwrap());
    // A file next to the key, with a line end; a change of it is seen.
    world.write("keys.toml", "[[key]]\nfile = \"a.pem\"\npassphrase = \"file:.passphrase\"\n");
    let error = world.try_open().await.unwrap_err();
    assert!(
        format!("{error:#}").contains("a.pem: cannot read the passphrase from file:.passphrase: "),
        "{error:#}"
    );
    world.write(".passphrase", "wrong\n");
    world.try_open().await.unwrap_err();
    world.write(".passphrase", format!("{passphrase}\n"));
    let keys = world.open().await;
    check(&keys);
    world.write("keys.toml", "[[key]]\nfile = \"a.pem\"\npassphrase = \"env:NO_SUCH_VARIABLE_0\"\n");
    world.pass(&keys, 10).await;
    check(&keys);
    assert_eq!(
        problems(&keys),
        ["a.pem: cannot read the passphrase from env:NO_SUCH_VARIABLE_0: the variable is not set"]
    );
}

/// That of the encrypted keys in testdata.
const PASSPHRASE: &str = "correct horse";

#[test]
fn the_encrypted_keys_of_the_test_have_this_passphrase() {
    let encrypted = testdata("keys/p256.pbkdf2-sha256-aes256.pem");
    assert!(PrivateKey::from_encrypted_bytes(&encrypted, PASSPHRASE).is_ok());
}
