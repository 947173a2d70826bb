//! `pkjwt profiles`, and `--profile` of the commands that build an assertion.

use private_key_jwt::Profile;
use serde_json::{Value, json};

use crate::run::{assert_command, pkjwt, testdata};
use crate::server::token_command;

#[test]
fn profiles_prints_a_table_with_a_row_for_each_provider() {
    let table = pkjwt(["profiles"]).done();
    let mut lines = table.lines();
    let columns = "profile audience typ algorithms longest lifetime header date source";
    assert_eq!(lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "), columns);
    let names: Vec<&str> = lines.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, Profile::known().map(|(name, _)| name).collect::<Vec<_>>());
    let okta = table.lines().find(|line| line.starts_with("okta ")).unwrap();
    let cells: Vec<&str> = okta.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(
        cells,
        [
            "okta",
            "called endpoint",
            "client-authentication+jwt",
            "RS256-512, ES256-512",
            "1 h",
            "kid",
            "2026-11-21",
            "Okta's documentation, and reports of its users",
        ]
    );
}

#[test]
fn profiles_prints_one_in_full_with_what_is_open() {
    assert_eq!(
        pkjwt(["profiles", "forgerock"]).done(),
        "forgerock: ForgeRock
  audience          called endpoint
  typ               JWT
  algorithms        any
  longest lifetime  not known
  header            kid (required)
  date              2026-11-28
  source            tests with OpenAM 16, its source, and ForgeRock's documentation
  accepts           called endpoint
  typ accepted      JWT, none
  client_id         sent
  RSA keys          2048 bits or more
  note              Advanced Identity Cloud computes its own URL with :443; set it as audience
  not confirmed     the algorithms; PingAM and ForgeRock's own products were not tried
"
    );
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&pkjwt(["profiles", "--json"].iter().chain(arguments)).done()).unwrap()
    };
    let entra = json(&["entra_id"]);
    assert_eq!(
        entra,
        json!({
            "name": "entra-id",
            "provider": "Microsoft Entra ID",
            "audience": "token endpoint",
            "accepted_audiences": [],
            "typ": "JWT",
            "accepted_typ": [],
            "algorithms": ["PS256", "RS256"],
            "smallest_rsa_key": 2048,
            "lifetime": 60,
            "longest_lifetime": 600,
            "not_before": null,
            "jti": "sent",
            "kid": "sent",
            "client_id": "sent",
            "certificate_headers": ["x5t#S256"],
            "required_certificate_headers": ["x5t#S256"],
            "note": "if a tenant rejects PS256 (5002730), use RS256; the lifetime is Microsoft's advice",
            "source": "Microsoft's documentation, and reports of its users",
            "date": "2026-11-21",
            "unconfirmed": "whether the issuer is accepted as audience; why some tenants reject PS256",
        })
    );
    let all = json(&[]);
    assert_eq!(all.as_array().unwrap().len(), Profile::known().count());
    assert!(all.as_array().unwrap().contains(&entra));
    assert_eq!(json(&["fapi2"])["longest_lifetime"], Value::Null);
}

#[test]
fn a_profile_that_does_not_exist_lists_those_that_do() {
    let key = testdata("p256.pkcs8.pem");
    let assert = assert_command(&key, &["--profile", "otka"]);
    let token = token_command(["--token-endpoint", "https://127.0.0.1:1/t"], "p256", &["--profile", "otka"]);
    let verify = ["verify", "-", "--jwks", "x", "--issuer", "i", "--audience", "a", "--profile", "otka"];
    for arguments in [
        vec!["profiles".to_owned(), "otka".to_owned()],
        assert,
        token,
        verify.map(str::to_owned).to_vec(),
        vec!["quickstart".to_owned(), "--profile".to_owned(), "otka".to_owned()],
    ] {
        let run = pkjwt(&arguments);
        assert!(run.stderr.contains("auth0, entra-id, fapi2"), "{}", run.stderr);
        assert!(run.stderr.contains("a similar value exists: 'okta'"), "{}", run.stderr);
        run.clap();
    }
}

/// Refused before any request: nothing listens at port 1.
#[test]
fn what_the_provider_rejects_is_refused_before_a_request() {
    let endpoint = ["--token-endpoint", "https://127.0.0.1:1/token"];
    let token = |key: &str, more: &[&str]| pkjwt(token_command(endpoint, key, more));
    token("p256", &["--profile", "auth0", "--audience", "https://t.auth0.com/"]).refused(&[
        "Auth0 does not accept ES256, only RS256, RS384 or PS256; use another key, or --alg with an RSA key",
    ]);
    token("rsa2048", &["--profile", "auth0", "--lifetime", "10m"])
        .usage(&["the lifetime is 600s, but Auth0 accepts 1 s to 300s"]);
    token("rsa2048", &["--profile", "auth0"])
        .usage(&["Auth0 does not accept the audience https://127.0.0.1:1/token, only the issuer"]);
    token("rsa2048", &["--profile", "entra-id"]).refused(&[
        "Microsoft Entra ID requires `x5t#S256`, but the key has no certificate; append the certificate",
    ]);
    token("p256", &["--profile", "atproto", "--no-kid", "--audience", "https://as.example"])
        .usage(&["AT Protocol requires `kid`, but the settings omit it"]);
    token("p256", &["--profile", "singpass", "--typ", "x", "--audience", "https://as.example"])
        .usage(&["Singpass does not accept the typ `x`, only `JWT`"]);
}
