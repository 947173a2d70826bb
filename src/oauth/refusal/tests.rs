use super::*;
use crate::oauth::text::Masking;

fn refusal(headers: &[(&str, &str)], body: &str) -> Refusal {
    let mut response = http::Response::builder().status(429);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let now = OffsetDateTime::from_unix_timestamp(784_111_777).unwrap(); // Sun, 06 Nov 1994 08:49:37 GMT
    Refusal::from_http(&response.body(body.as_bytes().to_vec()).unwrap(), now, &Masking::default())
}

#[test]
fn unknown_members_and_correlation_ids_are_kept() {
    let refusal = refusal(
        &[("x-request-id", "r\u{1}1")].map(|(name, _)| (name, "r1")),
        r#"{"error":"invalid_client","error_description":"no\u001b[2J","error_codes":[700027],"trace_id":"t"}"#,
    );
    assert_eq!(refusal.to_string(), "429 invalid_client: no\\u{1b}[2J [x-request-id r1]");
    assert_eq!(refusal.members()["error_codes"], "[700027]");
    assert_eq!(refusal.members()["trace_id"], "t");
    assert!(refusal.is_verdict());
}

/// A 201 with a token is not a token response, and its token must not end up in a log.
#[test]
fn a_token_in_an_answer_that_is_none_is_not_kept() {
    let refusal = refusal(
        &[],
        r#"{"access_token":"short","details":[{"client_assertion":"a.b.c","code":7}],"token_type":"Bearer"}"#,
    );
    assert_eq!(refusal.members()["access_token"], "null");
    assert_eq!(refusal.members()["details"], r#"[{"client_assertion":null,"code":7}]"#);
    assert_eq!(refusal.members()["token_type"], "Bearer");
}

#[test]
fn a_refusal_of_ping_one_in_the_words_of_its_platform() {
    let refusal = refusal(
        &[("correlation-id", "c0")],
        r#"{"id":"8f8d6f1e","code":"INVALID_DATA","message":"The request could not be completed.",
            "details":[{"code":"INVALID_VALUE","target":"client_assertion","message":"must be a JWT"}]}"#,
    );
    assert!(!refusal.is_verdict());
    assert_eq!((refusal.error(), refusal.description()), (None, None));
    assert_eq!(
        refusal.to_string(),
        "429 INVALID_DATA: The request could not be completed. (client_assertion: must be a JWT) [correlation-id c0]"
    );
    assert_eq!(refusal.members()["id"], "8f8d6f1e");
    assert_eq!(
        refusal.members()["details"],
        r#"[{"code":"INVALID_VALUE","message":"must be a JWT","target":"client_assertion"}]"#
    );
}

#[test]
fn a_refusal_of_entra_with_its_codes_for_a_support_ticket() {
    let refusal = refusal(
        &[("x-ms-request-id", "m0")],
        r#"{"error":"invalid_client","error_description":"AADSTS700027: no key for the assertion.\r\nTrace ID: t0",
            "error_codes":[700027],"timestamp":"2026-11-24 08:00:00Z","trace_id":"t0","correlation_id":"c0",
            "error_uri":"https://login.microsoftonline.com/error?code=700027"}"#,
    );
    assert!(refusal.is_verdict());
    assert_eq!(refusal.error(), Some("invalid_client"));
    assert_eq!(
        refusal.to_string(),
        "429 invalid_client: AADSTS700027: no key for the assertion.\\u{d}\\u{a}Trace ID: t0 [x-ms-request-id m0]"
    );
    assert_eq!(refusal.uri(), Some("https://login.microsoftonline.com/error?code=700027"));
    let members: Vec<(&str, &str)> =
        refusal.members().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        members,
        [
            ("correlation_id", "c0"),
            ("error_codes", "[700027]"),
            ("timestamp", "2026-11-24 08:00:00Z"),
            ("trace_id", "t0")
        ]
    );
}

#[test]
fn what_a_request_held_is_not_kept_when_it_comes_back() {
    let refusal = refusal(
        &[],
        r#"{"device_code":"short","x":{"code_verifier":"v","subject_token":"s","token":"t","actor_token":"a"}}"#,
    );
    assert_eq!(refusal.members()["device_code"], "null");
    assert_eq!(
        refusal.members()["x"],
        r#"{"actor_token":null,"code_verifier":null,"subject_token":null,"token":null}"#
    );
}

#[test]
fn a_body_that_is_no_rfc6749_error_is_no_verdict() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"error":{"code":1}}"#,
        r#"{"code":"ACCESS_FAILED"}"#,
        r#"{"error":"a","error":"a"}"#,
        r#"{"error":"invalid_client","#,
        r#"[{"error":7}]"#,
        "invalid_client",
        r#"{"status":429,"error":"Too Many Requests"}"#,
    ] {
        assert!(!refusal(&[], body).is_verdict(), "{body}");
    }
}

fn of_bytes(content_type: &str, body: &[u8]) -> Refusal {
    let response = http::Response::builder().status(400).header("content-type", content_type);
    Refusal::from_http(
        &response.body(body.to_vec()).unwrap(),
        OffsetDateTime::UNIX_EPOCH,
        &Masking::default(),
    )
}

#[test]
fn the_servers_own_words_come_through_whatever_they_are_written_in() {
    let json = "application/json";
    for (content_type, body, expected) in [
        (json, &b"{\"error\":\"invalid_client\",\"error_description\":\"one\ntwo\t\"}"[..], {
            "400 invalid_client: one\\u{a}two\\u{9}"
        }),
        (json, b"{\"error\":\"invalid_client\",\"error_description\":\"cl\xe9 inconnue\"}", {
            "400 invalid_client: cl\u{e9} inconnue"
        }),
        (
            json,
            "{\"error\":\"e\",\"error_description\":\"\u{e9}\u{20ac}\"}".as_bytes(),
            "400 e: \u{e9}\u{20ac}",
        ),
        (json, b"\xef\xbb\xbf{\"error\":\"e\"}", "400 e"),
        (json, br#"{"error":"e","error_description":""}"#, "400 e"),
        (json, br#"{"error":"e","error_description":["one","two"]}"#, "400 e: one (two)"),
        (json, br#"{"error":"No such client","error_code":"invalid_client"}"#, "400 No such client"),
        (json, br#"{"error":"e","error":"f","error_description":"d"}"#, "400 f: d"),
        (json, br#"{"error":"e","x":1,"x":2}"#, "400 e"),
        (json, br#"{"error":"e","error_description":"the half of"#, "400 e"),
        (json, br#"{"error":{"code":"AccessDenied","message":"The audience is wrong"}}"#, {
            "400 AccessDenied: The audience is wrong"
        }),
        (
            "application/problem+json",
            br#"{"type":"about:blank","title":"No","status":400,"detail":"why"}"#,
            { "400 No: why" },
        ),
        ("text/plain", b"Invalid client assertion: audience mismatch", {
            "400: Invalid client assertion: audience mismatch"
        }),
        ("text/plain", b"  \"a\" is\r\n\tnot known ", "400: \"a\" is not known"),
        ("text/plain", b"[invalid_client] no such client", "400: [invalid_client] no such client"),
        ("text/html", b"<title>Blocked</title><p>by policy 7", "400: Blocked: by policy 7"),
        (
            "application/x-www-form-urlencoded",
            b"error=invalid_client&error_description=no+such+client",
            "400 invalid_client: no such client",
        ),
        ("text/plain", b"error=invalid_client", "400 invalid_client"),
        ("text/plain", b"\0\x01\x02binary", "400"),
        ("application/gzip", b"\x1f\x8b\x08\0\0\0", "400"),
        (json, b"   ", "400"),
    ] {
        assert_eq!(of_bytes(content_type, body).to_string(), expected, "{}", body.escape_ascii());
    }
}

#[test]
fn a_document_without_known_words_is_shown_whole() {
    for (body, expected) in [
        (r#"{"httpCode":"400","moreInformation":"no such client"}"#, {
            r#"400: {"httpCode":"400","moreInformation":"no such client"}"#
        }),
        (r#"{"meta":{"text":"no such client"}}"#, r#"400: {"meta":{"text":"no such client"}}"#),
        (r#"{"meldung":"Client unbekannt","token":"s"}"#, {
            r#"400: {"meldung":"Client unbekannt","token":null}"#
        }),
        (r#"{"x":1,"y":[true,null,""],"z":{}}"#, "400"),
        (r#"{"access_token":"s"}"#, "400"),
        ("{}", "400"),
    ] {
        assert_eq!(of_bytes("application/json", body.as_bytes()).to_string(), expected, "{body}");
    }
    let challenged = refusal(&[("www-authenticate", "Bearer")], r#"{"path":"/token"}"#);
    assert_eq!(challenged.to_string(), "429 [www-authenticate Bearer]");
}

#[test]
fn rfc9110_5_5_header_fields_in_latin_1_are_read() {
    let value = |text: &[u8]| http::HeaderValue::from_bytes(text).unwrap();
    let response = http::Response::builder()
        .status(401)
        .header("www-authenticate", value(b"Bearer error_description=\"ung\xfcltig\""))
        .header("x-request-id", value(b"caf\xe9"))
        .body(Vec::new());
    let found = Refusal::from_http(&response.unwrap(), OffsetDateTime::UNIX_EPOCH, &Masking::default());
    assert_eq!(
        found.to_string(),
        "401 [www-authenticate Bearer error_description=\"ung\u{fc}ltig\"] [x-request-id caf\u{e9}]"
    );
}

#[test]
fn nothing_of_a_document_is_lost() {
    let members = |body: &str| {
        let members: Vec<String> = of_bytes("", body.as_bytes())
            .members()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        members.join(" ")
    };
    assert_eq!(members(r#"{"error":{"code":1},"error_description":["d"],"error_uri":7}"#), {
        r#"error={"code":1} error_description=["d"] error_uri=7"#
    });
    assert_eq!(members("{\"error\":\"e\",\"trace\":\"a\nb\"}"), "trace=a\\u{a}b");
    assert_eq!(members(r#"{"error":"e","x":1,"x":2}"#), "x=2");
    assert_eq!(members(r#"[{"errorCode":"c","id":"i"},{"id":"j"}]"#), "errorCode=c id=i");
    assert_eq!(members("error=e&trace=t&access_token=secret"), "access_token=null trace=t");
}

#[test]
fn what_came_back_of_the_request_is_not_shown() {
    let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl";
    for body in [
        format!("grant_type=refresh_token&refresh_token=secret-1&client_assertion={jwt}"),
        format!("cannot parse grant_type=x&code=1;refresh_token=secret-1, token=secret-2 and {jwt}"),
        format!("<p>client_assertion={jwt}&amp;refresh_token=secret-1<p>token='secret-2'"),
        format!(r#"{{"message":"bad {jwt}","refresh_token":"secret-1","token":{{"x":"secret-2"}}"#),
        format!(r#"{{"message":"bad {jwt}","x":[{{"refresh_token":"secret-1"}}]}}"#),
        format!("error=e&refresh_token=secret-1&error_description={jwt}"),
    ] {
        let shown = format!("{0} {0:?}", of_bytes("", body.as_bytes()));
        assert!(!shown.contains("secret-") && !shown.contains("eyJ") && !shown.contains("c2ln"), "{shown}");
    }
}

#[test]
fn rfc9110_11_6_1_the_challenge_is_kept_and_shown_where_the_body_says_nothing() {
    let challenge = ("www-authenticate", r#"Basic realm="as""#);
    let second = ("www-authenticate", "Bearer error=\"invalid_token\"");
    let bare = refusal(&[challenge, second], "");
    let both = r#"Basic realm="as", Bearer error="invalid_token""#;
    assert_eq!(bare.www_authenticate(), Some(both));
    assert_eq!(bare.to_string(), format!("429 [www-authenticate {both}]"));
    let said = refusal(&[challenge], r#"{"error":"invalid_client"}"#);
    assert_eq!(said.www_authenticate(), Some(challenge.1));
    assert_eq!(said.to_string(), "429 invalid_client");
    assert_eq!(refusal(&[], "").www_authenticate(), None);
}

#[test]
fn a_content_coding_that_was_not_requested_is_named() {
    let coded = refusal(&[("content-encoding", "GZIP")], "\u{1f}\u{8b}\u{8}\0");
    assert_eq!(coded.to_string(), "429: the body is encoded as gzip, which the client does not read");
    // The HTTP client decoded the body, but kept the header field.
    let undone = refusal(&[("content-encoding", "gzip")], r#"{"error":"invalid_client"}"#);
    assert_eq!(undone.to_string(), "429 invalid_client");
    assert_eq!(refusal(&[("content-encoding", "identity")], "no").to_string(), "429: no");
}
