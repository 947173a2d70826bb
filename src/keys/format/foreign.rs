//! Formats that are recognised but not read, each with its name and the command that converts it.

use crate::keys::KeyError;

const fn foreign(format: &'static str, convert: &'static str) -> KeyError {
    KeyError::ForeignFormat { format, convert }
}

pub(super) const fn openssh() -> KeyError {
    foreign(
        "an OpenSSH private key",
        "ssh-keygen -p -m PKCS8 -f KEY (it rewrites the file), or openssl genpkey for a new key",
    )
}

/// Without the feature.
#[cfg(not(feature = "pkcs12"))]
pub(super) const fn pkcs12() -> KeyError {
    foreign(
        "a PKCS#12 file",
        "openssl pkcs12 -in KEY -nodes -out key.pem (an old file with -legacy), or turn on the feature `pkcs12` of private-key-jwt",
    )
}

pub(super) const fn pkcs7() -> KeyError {
    foreign("a PKCS#7 message", "openssl pkcs7 -print_certs -in KEY (it holds no key)")
}

pub(super) const fn dek_info() -> KeyError {
    foreign(
        "a traditional encrypted PEM (DEK-Info)",
        "openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out key.pem",
    )
}

/// RFC 5480 §2.1.1: curves must be named.
pub(super) const fn explicit_curve() -> KeyError {
    foreign(
        "an EC key with explicit curve parameters",
        "openssl ec -in KEY -param_enc named_curve -out key.pem (for a public key with -pubin)",
    )
}

/// By the label of a PEM block (RFC 7468 §2).
pub(super) fn of_label(label: &str) -> Option<KeyError> {
    match label {
        "OPENSSH PRIVATE KEY" | "SSH2 ENCRYPTED PRIVATE KEY" => Some(openssh()),
        "PGP PRIVATE KEY BLOCK" => Some(foreign(
            "a PGP private key",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
        )),
        "PKCS7" | "CMS" => Some(pkcs7()),
        _ => None,
    }
}

/// By the first bytes of a file that is neither PEM, DER nor JSON.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<KeyError> {
    const JKS: &[u8] = &[0xfe, 0xed, 0xfe, 0xed];
    const JCEKS: &[u8] = &[0xce, 0xce, 0xce, 0xce];
    const UTF_16: [&[u8]; 2] = [&[0xff, 0xfe], &[0xfe, 0xff]];
    if bytes.starts_with(JKS) || bytes.starts_with(JCEKS) {
        return Some(foreign(
            "a Java key store",
            "keytool -importkeystore -srckeystore KEY -destkeystore key.p12 -deststoretype pkcs12, then openssl pkcs12 -in key.p12 -nodes -out key.pem",
        ));
    }
    if bytes.starts_with(&[0x1e, 0xf1, 0xb5, 0xb0]) {
        return Some(foreign(
            "a Microsoft PVK file",
            "openssl rsa -inform PVK -provider legacy -provider default -in KEY -out key.pem",
        ));
    }
    if bytes.starts_with(&[7, 2, 0, 0]) {
        return Some(foreign("a Microsoft key blob", "openssl rsa -inform MSBLOB -in KEY -out key.pem"));
    }
    if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        return Some(foreign("a UTF-16 text", "iconv -f UTF-16 -t UTF-8 KEY > key.pem"));
    }
    if bytes.starts_with(b"PuTTY-User-Key-File") {
        return Some(foreign(
            "a PuTTY key",
            "puttygen KEY -O private-openssh-new -o key, then ssh-keygen -p -m PKCS8 -f key",
        ));
    }
    if [&b"ssh-"[..], b"ecdsa-sha2-"].iter().any(|start| bytes.starts_with(start)) {
        return Some(foreign(
            "an OpenSSH public key",
            "ssh-keygen -e -m PKCS8 -f KEY > public.pem (it holds no private key)",
        ));
    }
    None
}
