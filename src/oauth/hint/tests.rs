//! Every text that is known, what it stands for, and what is made of texts that are not.

use proptest::prelude::*;
use time::OffsetDateTime;

use super::context::Context;
use super::explain::causes;
use super::table::{ALL, LOGS, Row, Server};
use super::words::spellings;
use super::*;
use crate::oauth::text::Masking;
use crate::oauth::{AuthorizationServer, Profile, Refusal};

fn answer(status: &str, field: Option<&str>, body: &serde_json::Value) -> Refusal {
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
    let mut response = http::Response::builder().status(status);
    if let Some(field) = field {
        response = response.header(field, "1");
    }
    Refusal::from_http(&response.body(body).unwrap(), OffsetDateTime::UNIX_EPOCH, &Masking::default())
}

fn refusal(status: &str, error: &str, text: &str) -> Refusal {
    let mut members = serde_json::Map::new();
    for (name, value) in [("error", error), ("error_description", text)] {
        if !value.is_empty() {
            members.insert(name.to_owned(), value.into());
        }
    }
    answer(status, None, &if members.is_empty() { serde_json::Value::Null } else { members.into() })
}

fn at(name: &str) -> Context {
    let server = ALL.iter().find(|server| server.name == name);
    Context { server: Some(server.unwrap_or_else(|| panic!("{name}"))), ..Context::default() }
}

fn hints(causes: &[Cause]) -> String {
    causes.iter().map(|cause| format!("{:?}", cause.kind())).collect::<Vec<_>>().join(" ")
}

fn sure(causes: &[Cause]) -> Vec<(CauseKind, Certainty)> {
    causes.iter().map(|cause| (cause.kind(), cause.certainty())).collect()
}

/// The text that a pattern with a wildcard is for.
fn sample(pattern: &str) -> String {
    pattern.trim_start_matches('^').trim_end_matches('$').replace('*', "x")
}

#[test]
fn each_text_of_a_server_stands_for_its_causes() {
    let rows: Vec<&str> = include_str!("../../../testdata/refusals.tsv").lines().skip(1).collect();
    assert_eq!(rows.len(), 456);
    let mut wrong = Vec::new();
    for row in rows {
        let [server, status, error, text, expected, alone] = *row.split('\t').collect::<Vec<_>>() else {
            panic!("{row}")
        };
        let refusal = refusal(status, error, text);
        let found = [causes(&refusal, &at(server)), refusal.hint()].map(|causes| hints(&causes));
        if found != [expected, if alone == "=" { expected } else { alone }] {
            wrong.push(format!("{row}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_line_of_a_log_stands_for_its_causes() {
    let rows: Vec<&str> = include_str!("../../../testdata/log_lines.tsv").lines().skip(1).collect();
    assert_eq!(rows.len(), 74);
    for row in rows {
        let [_, text, expected] = *row.split('\t').collect::<Vec<_>>() else { panic!("{row}") };
        for line in [text.to_owned(), format!("12:00:01 WARN [http] {text}")] {
            assert_eq!(hints(&explain_log(&line)), expected, "{row}");
        }
    }
    // A text that a server answers is found too, cut out of JSON or not.
    assert_eq!(
        hints(&explain_log(r#"{"error_description":"JWKS does not have a \"keys\" property"}"#)),
        "KeySet"
    );
    assert_eq!(hints(&explain_log("AADSTS7000274: …")), "Certificate");
    // A body with known codes only, and a code alone.
    for (text, expected) in [
        (r#"{"error":"invalid_client"}"#, "Unspecific"),
        (r#"{"error":"invalid_client","error_description":null}"#, "Unspecific"),
        ("HTTP/1.1 401\r\n\r\n{\"error\":\"invalid_client\",\"error_codes\":[7000274]}\r\n", "Certificate"),
        ("invalid_client", "Unspecific"),
        (" jti_known\n", "TokenIdReused"),
        ("use_dpop_nonce", "DpopProof"),
    ] {
        assert_eq!(hints(&explain_log(text)), expected, "{text}");
    }
    for text in [
        "",
        "out of memory",
        "{}",
        "}{",
        "{\"a\":1}",
        "Client authentication failed",
        "invalid assertion",
        "not_known",
    ] {
        assert!(explain_log(text).is_empty(), "{text}");
    }
}

/// A text as it is copied out of a document, a URL, a page or a narrow window.
#[test]
fn an_escaped_text_stands_for_the_same_causes() {
    type Spelling = fn(&str) -> String;
    let in_json = |text: &str| serde_json::json!({ "error_description": text }).to_string();
    let spellings: [(&str, Spelling); 9] = [
        ("upper case", str::to_ascii_uppercase),
        ("JSON", |text| serde_json::json!({ "error_description": text }).to_string().replace('/', "\\/")),
        ("JSON in JSON", |text| {
            let inner = serde_json::json!({ "error_description": text }).to_string();
            serde_json::json!({ "message": inner }).to_string()
        }),
        (".NET's JSON", |text| {
            let text = text.replace('"', "\\u0022").replace('\'', "\\u0027").replace('`', "\\u0060");
            format!("{{\"error_description\":\"{text}\"}}")
        }),
        ("HTML", |text| text.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;")),
        ("a URL", |text| format!("https://a/cb?error_description={}", urlencoded(text).replace('+', "%20"))),
        ("a form", |text| format!("error_description={}", urlencoded(text))),
        ("an office", |text| text.replace('\'', "\u{2019}").replace('"', "\u{201d}")),
        ("a narrow window", |text| text.replace(' ', "\r\n  ")),
    ];
    let texts = answers().flat_map(|row| row.texts).copied();
    let texts: Vec<&str> = texts.filter(|text| !text.starts_with('^') && !text.ends_with('$')).collect();
    // Each is compared with each row of the table, so a few stand for all.
    let quoted = texts.iter().filter(|text| text.contains(['\'', '"', '`', '/'])).step_by(11);
    for text in texts.iter().step_by(61).chain(quoted) {
        let text = sample(text);
        let expected = hints(&explain_log(&text));
        for (name, spelling) in &spellings {
            assert_eq!(hints(&explain_log(&spelling(&text))), expected, "{name}: {text}");
        }
        // A gateway that puts the body of the server in its own.
        let answered = hints(&refusal("401", "invalid_client", &text).hint());
        let nested = serde_json::json!({"error": "invalid_client", "error_description": in_json(&text)});
        assert_eq!(hints(&answer("401", None, &nested).hint()), answered, "{text}");
    }
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Whether a text has a pattern, by another reading of patterns than `says`.
fn has(row: &Row, text: &str) -> bool {
    row.texts.iter().any(|pattern| {
        let (text, pattern) = (text.trim().to_ascii_lowercase(), pattern.to_ascii_lowercase());
        let mut rest = text.as_str();
        let plain = pattern.trim_start_matches('^').trim_end_matches('$');
        let is_inside = plain.split('*').all(|piece| match rest.find(piece) {
            Some(found) => {
                rest = &rest[found + piece.len()..];
                true
            }
            None => false,
        });
        let is_start = !pattern.starts_with('^') || text.starts_with(plain.split('*').next().unwrap());
        let is_end = !pattern.ends_with('$') || text.ends_with(plain.split('*').next_back().unwrap());
        is_inside && is_start && is_end && (pattern != "^$" || text.is_empty())
    })
}

fn answers() -> impl Iterator<Item = &'static Row> {
    ALL.iter().flat_map(|server| server.rows)
}

#[test]
fn a_line_of_a_log_explains_no_answer() {
    let mut count = 0;
    for pattern in LOGS.iter().flat_map(|row| row.texts) {
        let refusal = refusal("401", "invalid_client", &sample(pattern));
        if refusal.time_fault().is_none() && !answers().any(|row| has(row, &sample(pattern))) {
            assert_eq!(refusal.hint(), [], "{pattern}");
            count += 1;
        }
    }
    assert_eq!(count, 53);
}

#[test]
fn no_text_of_a_server_hides_another() {
    for server in &ALL {
        for row in server.rows {
            for (error, pattern) in
                row.errors.iter().flat_map(|error| row.texts.iter().map(move |text| (error, text)))
            {
                let error = if matches!(*error, "-" | "*") { "" } else { error };
                let status = row.statuses.iter().find(|status| **status > 0).unwrap_or(&400).to_string();
                let refusal = refusal(&status, error, &sample(pattern));
                let found = causes(&refusal, &at(server.name));
                let expected: Vec<CauseKind> = row.causes.iter().map(|(hint, _)| *hint).collect();
                let found: Vec<CauseKind> = found.iter().map(Cause::kind).collect();
                assert_eq!(found, expected, "{} {pattern}", server.name);
            }
        }
    }
}

#[test]
fn an_unknown_text_gives_no_guess() {
    for text in [
        "the flux capacitor is discharged",
        "x",
        "contact support with code 7",
        "Ung\u{fc}ltiger Client",
        "AADSTS7000219: something new",
        "MP-999",
        "kid",
        "aud",
        "the signature",
        "\u{1f512}",
    ] {
        for error in ["invalid_client", "invalid_request", "invalid_grant", "unauthorized", ""] {
            assert_eq!(refusal("401", error, text).hint(), [], "{error} {text}");
            for server in ["Keycloak", "Microsoft Entra ID", "Maskinporten", "Okta"] {
                assert_eq!(causes(&refusal("401", error, text), &at(server)), [], "{server} {error} {text}");
            }
        }
    }
    for (status, error) in [("400", "invalid_request"), ("400", "invalid_grant"), ("500", ""), ("401", "")] {
        assert_eq!(refusal(status, error, "").hint(), [], "{error}");
    }
}

proptest! {
    // Each text is compared with each row of the table, which is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// A hint needs a pattern of the table, words about a time, or a code that names a cause.
    #[test]
    fn text_that_has_no_pattern_gives_no_hint(
        text in prop_oneof![
            ".{0,300}",
            "[a-z '\"*^$.:()-]{0,200}",
            proptest::collection::vec(prop_oneof![
                proptest::sample::select(words()).prop_map(str::to_owned),
                "[A-Za-z0-9_]{1,12}",
            ], 0..40).prop_map(|words| words.join(" ")),
        ],
        error in proptest::sample::select(vec!["invalid_client", "invalid_request", "invalid_grant", "-", ""]),
    ) {
        let refusal = refusal("401", error, &text);
        let said: Vec<String> = refusal.texts().map(str::to_owned).chain(refusal.code().map(str::to_owned)).collect();
        let said: Vec<String> = said.iter().flat_map(|text| spellings(text)).collect();
        let is_known = said.iter().any(|text| answers().any(|row| has(row, text)))
            || refusal.time_fault().is_some()
            || refusal.message().is_none();
        prop_assert!(is_known || refusal.hint().is_empty(), "{text}: {:?}", refusal.hint());
        let spelled = spellings(&text);
        let is_line = answers().chain(LOGS).any(|row| spelled.iter().any(|text| has(row, text)));
        let is_code = text.contains('_') && !text.trim().contains(' ');
        prop_assert!(is_line || is_code || explain_log(&text).is_empty(), "{text}");
    }
}

/// The words of all patterns, so that random texts come near them.
fn words() -> Vec<&'static str> {
    let patterns = answers().chain(LOGS).flat_map(|row| row.texts);
    patterns.flat_map(|pattern| pattern.split([' ', '*'])).filter(|word| !word.is_empty()).collect()
}

#[test]
fn a_code_for_machines_decides_before_the_words() {
    let entra = |codes: &str, text: &str| {
        let codes: serde_json::Value = serde_json::from_str(codes).unwrap();
        let body = serde_json::json!({"error":"invalid_client","error_description":text,"error_codes":codes});
        answer("401", None, &body).hint()
    };
    let certificate = [(CauseKind::Certificate, Certainty::Certain)];
    assert_eq!(sure(&entra("[7000274]", "Das Zertifikat ist abgelaufen.")), certificate);
    assert_eq!(sure(&entra("[700027]", "[Reason - The key was not found.]")), certificate);
    assert_eq!(sure(&entra("[70002,7000274]", "")), certificate);
    assert_eq!(sure(&entra("[]", "")), [(CauseKind::Unspecific, Certainty::Possible)]);
    assert_eq!(entra(r#"["x",null,-1,1e99,{"a":700027}]"#, "no").len(), 2);

    let uri = |id| {
        let uri = format!("https://documentation.openiddict.com/errors/{id}");
        let body = serde_json::json!({"error":"invalid_client","error_description":"nein","error_uri":uri});
        sure(&answer("401", None, &body).hint())
    };
    assert_eq!(uri("ID2090"), [(CauseKind::KeyId, Certainty::Certain)]);
    assert_eq!(
        uri("ID2173"),
        [(CauseKind::Audience, Certainty::Likely), (CauseKind::Subject, Certainty::Likely)]
    );
    assert_eq!(uri("ID20901"), []);

    let maskinporten = refusal("400", "invalid_grant", "MP-121: nøkkel (trace_id: 1a2b)");
    assert_eq!(sure(&maskinporten.hint()), certificate);
    let ibm = refusal("401", "invalid_client", "CSIAQ0155E Le client OAuth 2.0 n'a pas pu être authentifié.");
    assert_eq!(sure(&ibm.hint()), [(CauseKind::Unspecific, Certainty::Possible)]);
    let errors = serde_json::json!([{"code":"015-0008","detail":"no"}]);
    let pdnd = serde_json::json!({"type":"about:blank","title":"no","status":400,"errors":errors});
    assert_eq!(hints(&answer("400", None, &pdnd).hint()), "Unspecific Expired Audience Subject");
}

#[test]
fn the_times_in_a_text_say_which_of_two_causes_it_is() {
    let said = |now: &str, from: &str, until: &str| {
        let text = format!(
            "AADSTS700024: Client assertion is not within its valid time range. Current time: {now}, assertion valid \
             from {from}, expiry time of assertion {until}."
        );
        sure(&refusal("401", "invalid_client", &text).hint())
    };
    let [one, two, three] = [1, 2, 3].map(|minute| format!("2026-11-28T10:0{minute}:00.0000000Z"));
    assert_eq!(said(&three, &one, &two), [(CauseKind::Expired, Certainty::Certain)]);
    assert_eq!(said(&one, &two, &three), [(CauseKind::NotYetValid, Certainty::Certain)]);
    let either = [(CauseKind::Expired, Certainty::Likely), (CauseKind::NotYetValid, Certainty::Likely)];
    assert_eq!([said(&two, &one, &three), said("now", "then", "\u{e9}")], [either; 2]);
}

#[test]
fn a_server_is_known_by_its_domain_its_profile_its_endpoint_or_a_field() {
    let refusal = refusal("400", "invalid_client", "");
    let kind = |issuer: &str, token_endpoint: &str, profile: Option<Profile>| {
        let server = AuthorizationServer::new(issuer, token_endpoint).unwrap();
        Context::of(None, Some(&server), profile.as_ref()).server.map(|server| server.name)
    };
    let plain = "https://as.example/token";
    for (issuer, token_endpoint, profile, expected) in [
        ("https://as.example", plain, None, None),
        ("https://acme.eu.auth0.com/", plain, None, Some("Auth0")),
        ("https://okta.com.evil.example", plain, None, None),
        ("https://notokta.com", plain, None, None),
        ("https://x.okta.com", plain, Some(Profile::keycloak()), Some("Okta")),
        ("https://as.example", plain, Some(Profile::keycloak()), Some("Keycloak")),
        (
            "https://as.example",
            "https://as.example/realms/a/protocol/openid-connect/token",
            None,
            Some("Keycloak"),
        ),
        ("https://as.example", "https://as.example/oauth2/default/v1/token", None, Some("Okta")),
        (
            "https://as.example",
            "https://as.example/as/token.oauth2",
            Some(Profile::new("x")),
            Some("PingFederate"),
        ),
    ] {
        assert_eq!(kind(issuer, token_endpoint, profile), expected, "{issuer} {token_endpoint}");
    }
    // Without a text, only the server says what it means.
    let epic = AuthorizationServer::from_token_endpoint("https://fhir.epic.com/oauth2/token").unwrap();
    assert_eq!(
        hints(&explain(&refusal, None, Some(&epic), None)),
        "Unspecific KeySet Algorithm Lifetime TokenIdReused"
    );
    assert_eq!(sure(&refusal.hint()), [(CauseKind::Unspecific, Certainty::Possible)]);
    let body = serde_json::json!({"error":"invalid_client","error_description":"The client_assertion JWT kid is invalid"});
    let by_field = |field| sure(&answer("401", field, &body).hint());
    assert_eq!(by_field(Some("x-okta-request-id")), [(CauseKind::KeyId, Certainty::Certain)]);
    assert_eq!(by_field(Some("x-request-id")), [(CauseKind::KeyId, Certainty::Likely)]);
    // Every named profile that a server in the table has leads to it.
    let named = Profile::known().filter_map(|(_, profile)| Server::of_profile(profile.name()));
    let named: Vec<&str> = named.map(|server| server.name).collect();
    for name in [
        "Auth0",
        "ForgeRock",
        "Keycloak",
        "Microsoft Entra ID",
        "Okta",
        "Ory Hydra",
        "PingFederate",
        "PingOne",
    ] {
        assert!(named.contains(&name), "{name}: {named:?}");
    }
}

#[cfg(feature = "client")]
#[test]
fn each_host_of_a_known_server_leads_to_its_texts_and_to_its_profile() {
    let hosts = [
        ("t.eu.auth0.com", "Auth0", Some("auth0")),
        ("login.microsoftonline.com", "Microsoft Entra ID", Some("entra-id")),
        ("login.microsoftonline.us", "Microsoft Entra ID", Some("entra-id")),
        ("login.partner.microsoftonline.cn", "Microsoft Entra ID", Some("entra-id")),
        ("login.chinacloudapi.cn", "Microsoft Entra ID", Some("entra-id")),
        ("login.windows.net", "Microsoft Entra ID", Some("entra-id")),
        ("sts.windows.net", "Microsoft Entra ID", Some("entra-id")),
        ("t.ciamlogin.com", "Microsoft Entra ID", Some("entra-id")),
        ("t.c2id.com", "Connect2id", None),
        ("fhir.epic.com", "Epic", None),
        ("t.forgeblocks.com", "ForgeRock", Some("forgerock")),
        ("t.id.forgerock.io", "ForgeRock", Some("forgerock")),
        ("oauth2.googleapis.com", "Google", None),
        ("accounts.google.com", "Google", None),
        ("oidc.account.gov.uk", "GOV.UK One Login", None),
        ("t.projects.oryapis.com", "Ory Hydra", Some("hydra")),
        ("t.verify.ibm.com", "IBM Verify", Some("ibm-verify")),
        ("t.ice.ibmcloud.com", "IBM Verify", Some("ibm-verify")),
        ("secure.login.gov", "login.gov", Some("login-gov")),
        ("idp.int.identitysandbox.gov", "login.gov", Some("login-gov")),
        ("test.maskinporten.no", "Maskinporten", None),
        ("int.api.service.nhs.uk", "NHS England", Some("nhs-england")),
        ("t.logto.app", "oidc-provider", None),
        ("dev-1.okta.com", "Okta", Some("okta")),
        ("dev-1.oktapreview.com", "Okta", Some("okta")),
        ("dev-1.okta-emea.com", "Okta", Some("okta")),
        ("dev-1.okta-gov.com", "Okta", Some("okta")),
        ("auth.interop.pagopa.it", "PDND", None),
        ("auth.pingone.com", "PingOne", Some("ping-one")),
        ("auth.pingone.eu", "PingOne", Some("ping-one")),
        ("auth.pingone.ca", "PingOne", Some("ping-one")),
        ("auth.pingone.asia", "PingOne", Some("ping-one")),
        ("auth.pingone.com.au", "PingOne", Some("ping-one")),
        ("auth.pingone.sg", "PingOne", Some("ping-one")),
        ("t.my.salesforce.com", "Salesforce", Some("salesforce")),
        ("t.force.com", "Salesforce", Some("salesforce")),
        ("stg-id.singpass.gov.sg", "Singpass", Some("singpass")),
        ("bulk-data.smarthealthit.org", "SMART bulk data server", None),
        ("launch.smarthealthit.org", "SMART launcher", None),
        ("t.zitadel.cloud", "Zitadel", Some("zitadel")),
    ];
    let at = |host: &str| {
        let issuer = format!("https://{host}/t");
        let server = AuthorizationServer::new(&issuer, format!("{issuer}/token")).unwrap();
        let name = Context::of(None, Some(&server), None).server.map(|server| server.name);
        (name, profile_of(&server).map(|(name, _)| name))
    };
    for (host, server, profile) in hosts {
        assert_eq!(at(host), (Some(server), profile), "{host}");
        assert_eq!(at(&host.to_ascii_uppercase()), (Some(server), profile), "{host}");
        assert_eq!(at(&format!("{host}.evil.example")), (None, None), "{host}");
    }
    // The list above has every domain of the table.
    let domains = ALL.iter().flat_map(|server| server.domains);
    for domain in domains {
        assert!(hosts.iter().any(|(host, ..)| host.ends_with(domain)), "{domain}");
        assert_eq!(at(&format!("evil-{domain}")), (None, None), "{domain}");
    }
    // A host of one's own, and an endpoint that only one server has.
    let at_endpoint = |token_endpoint: &str| {
        let server = AuthorizationServer::from_token_endpoint(token_endpoint).unwrap();
        profile_of(&server).map(|(name, _)| name)
    };
    for (path, profile) in [
        ("realms/r/protocol/openid-connect/token", Some("keycloak")),
        ("oauth2/default/v1/token", Some("okta")),
        ("as/token.oauth2", Some("ping-federate")),
        ("am/oauth2/realms/root/realms/alpha/access_token", Some("forgerock")),
        ("oidc/endpoint/default/token", Some("ibm-verify")),
        // Authelia, which is made of Hydra's library, has no profile.
        ("api/oidc/token", None),
        ("token", None),
    ] {
        assert_eq!(at_endpoint(&format!("https://as.example/{path}")), profile, "{path}");
    }
}

#[test]
fn the_words_the_times_and_the_code_decide_in_this_order() {
    let hint = |error, text| hints(&refusal("401", error, text).hint());
    assert_eq!(hint("invalid_client", ""), "Unspecific");
    assert_eq!(hint("invalid_client", "Token is not active"), "Expired NotYetValid");
    assert_eq!(hint("invalid_client", "the JWT is from the future"), "NotYetValid");
    assert_eq!(hint("invalid_client", "the assertion is not active"), "Expired NotYetValid");
    assert_eq!(hint("invalid_client", "AADSTS700027: expired key used"), "Signature Certificate");
    assert_eq!(hint("Client assertion Expected a different algorithm", ""), "Algorithm");
    assert_eq!(hint("invalid_scope", "no"), "Scope");
    assert_eq!(hint("unauthorized_client", "no"), "GrantType");
    assert_eq!(hint("jti_known", "no"), "TokenIdReused");
    assert_eq!(hint("use_dpop_nonce", "no"), "DpopProof");
    assert_eq!(hint("invalid_dpop_proof", "no"), "DpopProof");
    // What has expired is the grant: the code or the refresh token, and perhaps the assertion.
    for text in ["Token is not active", "token has expired"] {
        let found = sure(&refusal("400", "invalid_grant", text).hint());
        assert_eq!(found, [(CauseKind::Grant, Certainty::Likely), (CauseKind::Expired, Certainty::Possible)]);
    }
    assert_eq!(hint("invalid_grant", "the JWT is from the future"), "");
    assert_eq!(hint("invalid_request", ""), "");
    assert_eq!(hints(&refusal("429", "", "").hint()), "RateLimited");
    assert_eq!(hint("", ""), "");
}
