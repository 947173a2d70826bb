//! A clock that is off, in both directions, although the server sends no `Date`.

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{CauseKind, Endpoint, OAuthError};
use private_key_jwt::{Algorithm, Error, TokenClient};
use time::OffsetDateTime;

use super::{es256, request};
use crate::browser::REDIRECT_URI;
use crate::path;
use crate::record::Record;
use crate::support::clean;

/// The ES256 client with a clock that is ahead of the server's by this.
async fn ahead(seconds: i64, record: &Record) -> TokenClient {
    let clock = move || OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    es256(record).await.clock(clock).build().unwrap()
}

#[tokio::test]
async fn a_clock_that_is_off_by_a_minute_or_two_is_corrected_once() {
    // 60 s behind, the assertion expires as it arrives.
    for (seconds, corrections) in [
        (-30, 0..=0),
        (-60, 0..=1),
        (-90, 1..=1),
        (-200, 3..=4),
        (30, 1..=1),
        (60, 1..=1),
        (90, 2..=2),
        (200, 3..=4),
    ] {
        let record = Record::of("Keycloak");
        let client = ahead(seconds, &record).await;
        client.request(&request()).await.unwrap_or_else(|error| panic!("{seconds}: {error}"));
        let endpoint = path(&client.server().await.unwrap(), Endpoint::Token);
        let refused = record.count(&endpoint, Algorithm::ES256, 400);
        assert!(corrections.contains(&refused), "{seconds}: {refused}");
        for _ in 0..3 {
            client.request(&request()).await.unwrap();
        }
        client.introspect("unknown").await.unwrap();
        assert_eq!(record.count(&endpoint, Algorithm::ES256, 400), refused, "{seconds}");
        assert_eq!(record.count(&endpoint, Algorithm::ES256, 200), 4, "{seconds}");
        if refused > 0 {
            // The `iat` of the tokens shows the difference.
            let off = client.assertion().await.unwrap().issued_at() - OffsetDateTime::now_utc();
            assert!(off.abs() < time::Duration::seconds(5), "{seconds}: {off}");
        }
        println!("Keycloak, the clock {seconds} s off: {refused} corrections");
    }
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_is_named() {
    for (seconds, text, hint) in [
        (-3600, "Token is not active", CauseKind::Expired),
        (3600, "Token was issued in the future", CauseKind::NotYetValid),
    ] {
        let record = Record::of("Keycloak");
        let client = ahead(seconds, &record).await;
        let error = clean(client.request(&request()).await.unwrap_err());
        let ErrorKind::OAuth(OAuthError::Refused(refusal)) = error.kind() else { panic!("{error:?}") };
        assert_eq!((refusal.status(), refusal.description()), (400, Some(text)));
        assert_eq!(crate::hint(refusal), Some(hint));
        let clock = refusal.clock().unwrap();
        let off = clock.now() - OffsetDateTime::now_utc() - time::Duration::seconds(seconds);
        assert!(off.abs() < time::Duration::seconds(30), "{off}");
        assert_eq!(clock.expires_at() - clock.issued_at(), time::Duration::minutes(1));
        assert!(error.to_string().contains("; check the clock: this machine's says 20"), "{error}");
        assert_eq!((error.attempts(), record.print().values().sum::<usize>()), (5, 5));
    }
}

#[tokio::test]
async fn a_code_is_sent_again_where_the_clock_is_wrong() {
    let record = Record::of("Keycloak");
    let client = ahead(30, &record).await;
    let verifier = private_key_jwt::client::fresh_code_verifier().unwrap();
    // The code is wrong, and the server checks it.
    let refusal = refusal_of_last(client.authorization_code("none", REDIRECT_URI, &verifier).await);
    assert_eq!((refusal.0, &*refusal.1), (400, "invalid_grant"));
    assert_eq!(record.print().values().sum::<usize>(), 2);
}

fn refusal_of_last<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, String) {
    let error = clean(result.unwrap_err());
    let refusal = error.refusal().unwrap_or_else(|| panic!("{error:?}"));
    (refusal.status(), refusal.error().unwrap_or_default().to_owned())
}
