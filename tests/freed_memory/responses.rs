//! Every kind of answer, read and dropped: the expected document, and anything else.

use std::sync::{Arc, LazyLock};

use private_key_jwt::oauth::PushedAuthorization;
use private_key_jwt::{DeviceAuthorization, Introspection, TokenResponse};
use time::OffsetDateTime;

use crate::marks::Marks;
use crate::spelling;
use crate::watch::{is_clean, turn};

pub(crate) const ACCESS_TOKEN: &str = "aT7q/Zm+4hYb2/Kx9+Vw3Lr8sUd5Pn0==";
pub(crate) const REFRESH_TOKEN: &str = "rT1w/Qe+6kJn8/Bz3+Ty5Hg2mCf4Xv7==";
pub(crate) const ID_TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUiLCJzdWIiOiJ1In0.\
     k3Jd8sLq0ZxVb7Nm2PwRt5Yc9HgFe1Ua6Ko4Ij-Xh_TzDq";
const UNKNOWN: &str = "xS5b/Nu+9dPw4/Ma7+Ec1Kt6jRv8Yo2==";

static MARKS: LazyLock<Arc<Marks>> = LazyLock::new(|| {
    let marks = Marks::default()
        .text("the access token", ACCESS_TOKEN)
        .text("the refresh token", REFRESH_TOKEN)
        .text("the ID token", ID_TOKEN)
        .text("an unknown member", UNKNOWN);
    Arc::new(marks.ready())
});

/// Documents with these members, each string in every spelling.
fn documents(members: &[(&str, &str)], more: &str) -> Vec<String> {
    (0..4)
        .map(|way| {
            let member = |(name, value): &(&str, &str)| format!("\"{name}\":{}", spelling::json(value)[way]);
            format!("{{{}{more}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        })
        .collect()
}

/// The same, damaged.
fn damaged(document: &str) -> Vec<Vec<u8>> {
    let inside = &document[1..document.len() - 1];
    let mut all = vec![
        format!("{{{inside},{inside}}}").into_bytes(),
        format!("[{document}]").into_bytes(),
        format!("{document}x").into_bytes(),
        format!("{{\"a\":[{document},{document}],\"b\":{{\"c\":{document}}}}}").into_bytes(),
        document.replace("Bearer", "Bea\\xrer").into_bytes(),
        document.replace("Bearer", "Bea\nrer").into_bytes(),
        document.replace("Bearer", "Bea\\ud83drer").into_bytes(),
        // Latin-1.
        [document.trim_end_matches('}').as_bytes(), b",\"x\":\"\xe9\"}"].concat(),
    ];
    all.extend((1..8).map(|part| document.as_bytes()[..document.len() * part / 8].to_vec()));
    all
}

fn response(status: u16, content_type: &str, body: &[u8]) -> http::Response<Vec<u8>> {
    let response = http::Response::builder().status(status).header("content-type", content_type);
    // As large as its contents. The reader wipes the buffers that it receives.
    response.body(body.to_vec()).unwrap()
}

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn tokens() -> Vec<String> {
    let nested = spelling::json(UNKNOWN);
    let more = format!(
        ",\"expires_in\":300,\"x\":{0},\"y\":{{\"z\":[{1},{2}]}},{0}:{3},\"token_type\":\"Bearer\"",
        nested[0], nested[1], nested[2], nested[3]
    );
    documents(
        &[("access_token", ACCESS_TOKEN), ("refresh_token", REFRESH_TOKEN), ("id_token", ID_TOKEN)],
        &more,
    )
}

#[test]
fn a_token_response_leaves_nothing() {
    let turn = turn();
    for document in tokens() {
        let read =
            TokenResponse::from_http(response(200, "application/json", document.as_bytes()), NOW).unwrap();
        assert_eq!(read.access_token().secret().trim_end(), ACCESS_TOKEN);
        drop(read);
        is_clean(&turn, &document, &MARKS, || {
            let response = response(200, "application/json", document.as_bytes());
            let read = TokenResponse::from_http(response, NOW).unwrap();
            let token = read.access_token().clone();
            assert!(read.refresh_token().is_some() && read.id_token().is_some() && token.bearer().is_some());
            drop(read);
            drop(token);
        });
    }
}

#[test]
fn what_is_no_token_response_leaves_nothing() {
    let turn = turn();
    for document in tokens() {
        for body in damaged(&document) {
            let what = format!("{}", body.escape_ascii());
            is_clean(&turn, &what, &MARKS, || {
                let _ = TokenResponse::from_http(response(200, "application/json", &body), NOW);
            });
        }
    }
}

/// Members whose names say that they are secrets: the error does not show them.
#[test]
fn a_failure_leaves_nothing() {
    let turn = turn();
    let named = [("error", "invalid_grant"), ("access_token", ACCESS_TOKEN), ("refreshToken", REFRESH_TOKEN)];
    let nested = documents(&[("token", REFRESH_TOKEN), ("assertion", ID_TOKEN)], "");
    let more = format!(
        ",\"token_type\":\"Bearer\",\"error_description\":\"no {ID_TOKEN} here\",\"details\":[{}]",
        nested[2]
    );
    let mut bodies: Vec<(&str, Vec<u8>)> = Vec::new();
    for document in documents(&named, &more) {
        bodies.extend(damaged(&document).into_iter().map(|body| ("application/json", body)));
        bodies.push(("application/problem+json", document.into_bytes()));
    }
    for value in spelling::form(ACCESS_TOKEN) {
        let form = format!("error=x&access_token={value}&error_description=no+%20{ID_TOKEN}+a");
        bodies.push(("application/x-www-form-urlencoded", form.into_bytes()));
    }
    let page = format!(
        "<title>No {ID_TOKEN}</title><p>access_token={ID_TOKEN} &amp; <![CDATA[{ID_TOKEN}]]> {ID_TOKEN}"
    );
    bodies.push(("text/html", page.into_bytes()));
    bodies.push(("text/plain", format!("no  {ID_TOKEN}\n{ID_TOKEN} \u{e9}").into_bytes()));
    bodies.push(("text/plain", [ID_TOKEN.as_bytes(), b" \xe9 and ", ID_TOKEN.as_bytes()].concat()));
    for status in [200, 201, 302, 400, 401, 403, 404, 429, 500, 503] {
        for (content_type, body) in &bodies {
            let what = format!("{status} {content_type} {}", body.escape_ascii());
            is_clean(&turn, &what, &MARKS, || {
                let read = TokenResponse::from_http(response(status, content_type, body), NOW);
                drop(read.map(drop));
                let read = Introspection::from_http(response(status, content_type, body), NOW);
                drop(read.map(drop));
            });
        }
    }
}

#[test]
fn the_other_documents_leave_nothing() {
    let turn = turn();
    let verification =
        ",\"user_code\":\"WDJB\",\"verification_uri\":\"https://as.example/d\",\"expires_in\":9";
    for document in documents(&[("device_code", ACCESS_TOKEN), ("x", UNKNOWN)], verification) {
        let all = [vec![document.clone().into_bytes()], damaged(&document)].concat();
        for (at, body) in all.iter().enumerate() {
            is_clean(&turn, &document, &MARKS, || {
                let read = DeviceAuthorization::from_http(response(200, "application/json", body), NOW);
                assert!(at > 0 || read.is_ok());
            });
        }
    }
    for document in documents(&[("request_uri", ACCESS_TOKEN), ("x", UNKNOWN)], ",\"expires_in\":9") {
        let all = [vec![document.clone().into_bytes()], damaged(&document)].concat();
        for (at, body) in all.iter().enumerate() {
            is_clean(&turn, &document, &MARKS, || {
                let read = PushedAuthorization::from_http(response(201, "application/json", body), NOW);
                assert!(at > 0 || read.is_ok());
            });
        }
    }
    for document in documents(&[("x", UNKNOWN)], ",\"active\":true,\"aud\":[\"a\"]") {
        let all = [vec![document.clone().into_bytes()], damaged(&document)].concat();
        for (at, body) in all.iter().enumerate() {
            is_clean(&turn, &document, &MARKS, || {
                let read = Introspection::from_http(response(200, "application/json", body), NOW);
                assert!(at > 0 || read.is_ok());
            });
        }
    }
}
