//! `pkjwt cert`.

use std::fs;

use private_key_jwt::keys::Certificate;
use private_key_jwt::{Algorithm, PrivateKey, PublicKey, Signature};
use serde_json::Value;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};

use crate::run::{KEYS, Place, assertion, decode, pkjwt, private_key, testdata, to_base64url};

#[test]
fn a_certificate_belongs_to_its_key_and_its_thumbprints_to_it() {
    let place = Place::new();
    for (stem, _) in KEYS {
        let (key, out) = (testdata(&format!("{stem}.pkcs8.pem")), place.name(&format!("{stem}.pem")));
        let subject = "CN=my-client,O=Example\\, Inc.";
        let arguments = ["cert", "--key", &key, "--subject", subject, "--days", "30", "--out", &out];
        let facts: Value = serde_json::from_str(&pkjwt(arguments.iter().chain(&["--json"])).done()).unwrap();
        let pem = fs::read(&out).unwrap();
        assert_eq!(facts["certificate"], String::from_utf8(pem.clone()).unwrap());
        let certificate = Certificate::all_from_bytes(&pem).unwrap().remove(0);
        let fields = certificate.fields().unwrap();
        assert_eq!((fields.subject.as_str(), &fields.issuer), (subject, &fields.subject));
        assert_eq!((fields.not_after - fields.not_before).whole_days(), 30);
        assert_eq!(fields.serial_number.len(), 16 * 3 - 1);
        assert_eq!(facts["x5t"], to_base64url(certificate.sha1()));
        assert_eq!(facts["x5t#S256"], to_base64url(certificate.sha256()));
        assert_eq!(facts["sha1"].as_str().unwrap().len(), 40);
        let public = PublicKey::from_bytes(&pem).unwrap();
        assert_eq!(public.jwk().thumbprint(), private_key(stem).thumbprint());

        // Next to its key, it gives assertions their header.
        let both = place.put("both.pem", [fs::read(&key).unwrap(), pem].concat());
        let (header, _) = decode(&assertion(&both, &["--x5t-s256", "--x5t", "--x5c"]));
        assert_eq!((&header["x5t"], &header["x5t#S256"]), (&facts["x5t"], &facts["x5t#S256"]));
        assert_eq!(PrivateKey::from_file(&both).unwrap().certificates(), [certificate]);
    }
}

#[test]
fn a_certificate_is_signed_by_its_key_and_certifies_no_other() {
    let place = Place::new();
    let pss = [("rsa2048-pss", "PS256"), ("rsa2048-pss-sha256", "PS256")];
    for (stem, alg) in KEYS.into_iter().chain(pss) {
        let (key, out) = (testdata(&format!("{stem}.pkcs8.pem")), place.name(&format!("{stem}.pem")));
        pkjwt(["cert", "--key", &key, "--subject", "CN=c", "--out", &out]).done();
        let certificate = Certificate::all_from_bytes(&fs::read(&out).unwrap()).unwrap().remove(0);
        let public = PublicKey::from_bytes(certificate.as_der()).unwrap();
        let certificate = x509_cert::Certificate::from_der(certificate.as_der()).unwrap();
        assert_eq!(certificate.signature_algorithm(), certificate.tbs_certificate().signature());
        let (alg, signature): (Algorithm, _) = (alg.parse().unwrap(), certificate.signature().raw_bytes());
        let signature = match alg.as_str() {
            "ES256" | "ES384" | "ES512" => Signature::from_der(alg, signature).unwrap(),
            _ => Signature::from_raw(alg, signature.to_vec()).unwrap(),
        };
        public.verify(&certificate.tbs_certificate().to_der().unwrap(), &signature).unwrap();

        let tbs = certificate.tbs_certificate();
        let (_, constraints) = tbs.get_extension::<BasicConstraints>().unwrap().unwrap();
        let (is_critical, usage) = tbs.get_extension::<KeyUsage>().unwrap().unwrap();
        assert!(!constraints.ca && is_critical && usage.digital_signature() && !usage.key_cert_sign());
        assert!(tbs.get_extension::<SubjectKeyIdentifier>().unwrap().is_some());
    }
}

#[test]
fn a_certificate_without_a_file_goes_to_stdout_and_its_facts_to_stderr() {
    let key = testdata("p256.pkcs8.pem");
    let run = pkjwt(["cert", "--key", &key, "--subject", "CN=c"]);
    assert_eq!(run.status, Some(0));
    assert!(run.stdout.starts_with("-----BEGIN CERTIFICATE-----\n"), "{}", run.stdout);
    for name in ["subject: CN=c", "valid until: ", "x5t: ", "x5t#S256: ", "sha1: "] {
        assert!(run.stderr.lines().any(|line| line.starts_with(name)), "{}", run.stderr);
    }
}

#[test]
fn cert_checks_its_arguments_and_never_overwrites_without_force() {
    let place = Place::new();
    let key = testdata("p256.pkcs8.pem");
    let with = |more: &[&str]| pkjwt(["cert", "--key", &key].iter().chain(more));
    for subject in ["", "my-client", "CN"] {
        with(&["--subject", subject]).clap();
    }
    for days in ["0", "36501", "x"] {
        with(&["--subject", "CN=c", "--days", days]).clap();
    }
    with(&["--subject", "CN=c", "--force"]).usage(&["--force", "--out"]);
    let out = place.put("cert.pem", "precious");
    with(&["--subject", "CN=c", "--out", &out]).refused(&["cert.pem", "--force"]);
    let shown = with(&["--subject", "CN=c", "--out", &out, "--force"]).done();
    assert!(shown.contains("\nx5t#S256: "), "{shown}");
    assert!(fs::read_to_string(&out).unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    pkjwt(["cert", "--key", &testdata("p256.pub.pem"), "--subject", "CN=c"])
        .refused(&["expected a private key"]);
}
