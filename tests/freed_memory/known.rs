//! Secrets in memory that other crates free, which this crate cannot reach. SECURITY.md names them.

/// A function of another crate, by a part of its name, and what it leaves.
const KNOWN: [(&str, &str); 8] = [
    ("hyper::", "what is read from a connection, and what is written to it"),
    ("bytes::bytes_mut::", "the same, where a part of it is still in use"),
    // With RustCrypto.
    ("rsa::private_key::PrivateKey::from_components", "the numbers of a key, while it is checked"),
    ("rsa::private_key::PrivateKey::crt_coefficient", "one of them"),
    ("rsa::algorithms::rsa::rsa_decrypt", "the same, and the signature, while it signs"),
    ("<rsa::private_key::PrivateKey as core::ops::drop::Drop>::drop", "a prime, where two parts share it"),
    // With AWS-LC: not of a key.
    ("aws_lc_rs::ed25519::Ed25519KeyPair::try_sign", "a signature, before it is copied"),
    ("aws_lc_rs::ec::key_pair::EcdsaKeyPair::sign", "a signature in DER, and its two numbers"),
];

/// Whether one of them freed a block: between the allocator and the first function of this crate.
pub(crate) fn is_known(functions: &[String]) -> bool {
    let is_ours = |name: &String| {
        let name = name.trim_start_matches('<');
        name.starts_with("private_key_jwt::") || name.starts_with("freed_memory::")
    };
    let ours = functions.iter().position(is_ours).unwrap_or(functions.len());
    functions[..ours].iter().any(|name| KNOWN.iter().any(|(known, _)| name.contains(known)))
}
