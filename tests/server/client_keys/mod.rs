//! The keys of many clients: over a scripted HTTP client, which serves every client.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::{BoxFuture, Cause, KeyError};
use private_key_jwt::oauth::Retry;
use private_key_jwt::server::{ClientKeysBuilder, RemoteJwksError};
use private_key_jwt::transport::TransportError;
use private_key_jwt::{
    Algorithm, ClientAssertion, ClientAssertionVerifier, ClientKeys, ClientKeysError, ClientMetadata,
    ClientRegistry, ErrorResponse, JwkSet, PrivateKey, VerifierError,
};

use crate::support::clean;
use crate::support::clock::TestClock;
use crate::support::http::{ScriptedHttp, ok};
use crate::support::observed::{Observed, field};

const ISSUER: &str = "https://as.example";
const COOL_DOWN: i64 = 30;

/// An authorization server whose clients all publish the keys of `published`.
struct World {
    time: TestClock,
    http: ScriptedHttp,
    registered: Arc<Mutex<HashMap<String, ClientMetadata>>>,
    /// How often the registry was asked.
    asked: Arc<AtomicUsize>,
    verifier: ClientAssertionVerifier,
}

/// A key with a name that no check takes for a piece of a token, as it may a thumbprint.
fn new_key() -> PrivateKey {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let key = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    key.with_key_id(format!("key {}", NUMBER.fetch_add(1, Ordering::Relaxed)))
}

fn set(key: &PrivateKey) -> JwkSet {
    key.public_jwk().clone().into()
}

fn url(client: &str) -> String {
    format!("https://{client}.example/jwks")
}

impl World {
    fn new() -> Self {
        Self {
            time: TestClock::new(),
            http: ScriptedHttp::silent(),
            registered: Arc::default(),
            asked: Arc::default(),
            verifier: ClientAssertionVerifier::new(ISSUER),
        }
    }

    /// A world in which these clients have this key, each at its own URL.
    fn of(clients: impl IntoIterator<Item = String>, key: &PrivateKey) -> Self {
        let world = Self::new();
        for client in clients {
            world.register(&client, ClientMetadata::jwks_uri(url(&client)));
        }
        world.publish(key);
        world
    }

    fn register(&self, client: &str, metadata: ClientMetadata) {
        self.registered.lock().unwrap().insert(client.to_owned(), metadata);
    }

    fn publish(&self, key: &PrivateKey) {
        let body = set(key).to_json();
        self.http.answers(move |_| ok(&[], &body));
    }

    fn builder(&self) -> ClientKeysBuilder {
        let (registered, asked) = (Arc::clone(&self.registered), Arc::clone(&self.asked));
        let registry = move |client: &str| {
            asked.fetch_add(1, Ordering::Relaxed);
            registered.lock().unwrap().get(client).cloned()
        };
        ClientKeys::builder(registry).http(self.http.clone()).clock(self.time.clone())
    }

    fn keys(&self) -> ClientKeys {
        self.builder().build().unwrap()
    }

    /// Verifies an assertion of this client with this key.
    async fn verify(
        &self,
        keys: &ClientKeys,
        client: &str,
        key: &PrivateKey,
    ) -> Result<String, ClientKeysError> {
        let builder = ClientAssertion::builder_for_audience(client, ISSUER);
        let assertion = builder.sign(key, private_key_jwt::transport::Clock::now(&self.time), "jti").unwrap();
        let unverified = self.verifier.parse_assertion(assertion.secret()).unwrap();
        let verified = keys.verify_assertion(unverified).await.map_err(clean)?;
        Ok(verified.client_id().to_owned())
    }
}

fn response_of(error: &ClientKeysError) -> (u16, &'static str, String) {
    let response = error.token_endpoint_response();
    assert_eq!(ErrorResponse::from(error.clone()).to_string(), response.to_string());
    (response.status().as_u16(), response.error(), response.description().unwrap().to_owned())
}

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("client-{number}"))
}

#[tokio::test]
async fn each_client_is_checked_with_its_own_keys_which_are_fetched_once() {
    let (ours, other) = (new_key(), new_key());
    let world = World::of(names(3), &ours);
    let keys = world.keys();
    for _ in 0..3 {
        for client in names(3) {
            assert_eq!(world.verify(&keys, &client, &ours).await.unwrap(), client);
        }
    }
    assert_eq!((world.http.requests(), keys.held(), world.asked.load(Ordering::Relaxed)), (3, 3, 9));
    // A key of another client is a foreign key.
    world.register("client-3", ClientMetadata::jwks(set(&other)));
    assert_eq!(world.verify(&keys, "client-3", &other).await.unwrap(), "client-3");
    let error = world.verify(&keys, "client-0", &other).await.unwrap_err();
    assert!(matches!(
        &error,
        ClientKeysError::Verifier(VerifierError::Jose(JoseError::NoMatchingKey { .. }))
    ));
    assert_eq!(response_of(&error).1, "invalid_client");
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn forged_kids_cause_one_fetch_per_client_and_cool_down() {
    let ours = new_key();
    let world = World::of(names(2), &ours);
    let keys = world.keys();
    for client in names(2) {
        world.verify(&keys, &client, &ours).await.unwrap();
    }
    for second in 1..=3 * COOL_DOWN {
        world.time.pass(1);
        for client in names(2) {
            for _ in 0..5 {
                assert!(world.verify(&keys, &client, &new_key()).await.is_err());
            }
        }
        let cool_downs = usize::try_from(second / COOL_DOWN).unwrap();
        assert_eq!(world.http.requests(), 2 * (1 + cool_downs), "second {second}");
    }
}

#[tokio::test]
async fn a_new_key_is_found_one_cool_down_after_the_last_fetch() {
    let (old, new) = (new_key(), new_key());
    let world = World::of(names(1), &old);
    let keys = world.keys();
    world.verify(&keys, "client-0", &old).await.unwrap();
    world.publish(&new);
    world.time.pass(COOL_DOWN - 1);
    assert!(world.verify(&keys, "client-0", &new).await.is_err());
    world.time.pass(1);
    assert_eq!(world.verify(&keys, "client-0", &new).await.unwrap(), "client-0");
}

#[tokio::test]
async fn unknown_client_ids_cause_no_fetch_and_leave_nothing_behind() {
    let ours = new_key();
    let world = World::of(names(1), &ours);
    let keys = world.builder().capacity(1).build().unwrap();
    world.verify(&keys, "client-0", &ours).await.unwrap();
    for number in 0..10_000 {
        let unknown = format!("unknown-{number}");
        let error = clean(keys.keys(&unknown).await.unwrap_err());
        assert_eq!(error.to_string(), format!("the client `{unknown}` is not registered"));
        assert_eq!(response_of(&error), (400, "invalid_client", "the client is not registered".to_owned()));
    }
    assert_eq!((world.http.requests(), keys.held()), (1, 1));
    // What an error says of a client id is printable and short.
    let long = format!("\u{1b}{}", "x".repeat(1000));
    let error = clean(keys.keys(&long).await.unwrap_err());
    assert!(error.to_string().len() < 120, "{error}");
}

#[tokio::test]
async fn many_clients_in_turn_cause_one_fetch_each_per_cool_down_and_harm_no_cached_one() {
    let ours = new_key();
    let world = World::of(names(1000), &ours);
    let keys = world.builder().capacity(100).build().unwrap();
    let mut fetches: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut full = 0;
    for second in 0..60 {
        for client in names(1000).skip(usize::try_from(second % 10).unwrap() * 100).take(100) {
            let before = world.http.requests();
            match world.verify(&keys, &client, &ours).await {
                Ok(_) => {}
                Err(ClientKeysError::Full { capacity: 100 }) => full += 1,
                Err(other) => panic!("{other}"),
            }
            if world.http.requests() > before {
                fetches.entry(client).or_default().push(second);
            }
        }
        assert!(keys.held() <= 100);
        world.time.pass(1);
    }
    for (client, times) in &fetches {
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= COOL_DOWN), "{client}: {times:?}");
    }
    // The first hundred hold their places, as they come again every ten seconds.
    assert_eq!((fetches.len(), full), (100, 60 * 100 - 6 * 100));

    // After a quiet cool-down, the next hundred replace them.
    world.time.pass(COOL_DOWN);
    for client in names(200).skip(100) {
        world.verify(&keys, &client, &ours).await.unwrap();
    }
    let error = clean(keys.keys("client-0").await.unwrap_err());
    let expected = "the keys of 100 clients were in use moments ago; \
                    `ClientKeysBuilder::capacity` makes room for more";
    assert_eq!(error.to_string(), expected);
    let said = "the client cannot be authenticated at the moment".to_owned();
    assert_eq!(response_of(&error), (503, "temporarily_unavailable", said));
    assert_eq!(error.retry(), Retry::BackOff);
}

#[tokio::test]
async fn a_client_that_is_deleted_or_changes_its_url_is_served_accordingly_at_once() {
    let (ours, next) = (new_key(), new_key());
    let world = World::of(names(1), &ours);
    let keys = world.keys();
    world.verify(&keys, "client-0", &ours).await.unwrap();

    world.time.pass(COOL_DOWN);
    world.register("client-0", ClientMetadata::jwks_uri(url("new")));
    world.publish(&next);
    assert!(world.verify(&keys, "client-0", &ours).await.is_err());
    assert_eq!(world.verify(&keys, "client-0", &next).await.unwrap(), "client-0");
    assert_eq!(world.http.requests(), 2);

    // A second change causes no fetch before the cool-down is over. The keys of neither URL count.
    world.register("client-0", ClientMetadata::jwks_uri(url("newer")));
    world.time.pass(COOL_DOWN - 1);
    let error = world.verify(&keys, "client-0", &next).await.unwrap_err();
    assert_eq!(error.to_string(), "the jwks_uri of client `client-0` changed twice within a cool-down");
    assert_eq!(response_of(&error).0, 503);
    assert_eq!(world.http.requests(), 2);
    world.time.pass(1);
    assert_eq!(world.verify(&keys, "client-0", &next).await.unwrap(), "client-0");

    world.registered.lock().unwrap().clear();
    let error = world.verify(&keys, "client-0", &next).await.unwrap_err();
    assert!(matches!(error, ClientKeysError::UnknownClient { .. }), "{error}");
}

#[tokio::test]
async fn keys_that_the_registry_has_need_no_fetch_and_follow_it() {
    let (first, second) = (new_key(), new_key());
    let world = World::new();
    let keys = world.keys();
    world.register("client", ClientMetadata::jwks(set(&first)));
    assert_eq!(world.verify(&keys, "client", &first).await.unwrap(), "client");
    let held = keys.keys("client").await.unwrap();
    // Parsed once.
    assert!(Arc::ptr_eq(&held, &keys.keys("client").await.unwrap()));
    world.register("client", ClientMetadata::jwks(set(&second)));
    assert!(world.verify(&keys, "client", &first).await.is_err());
    assert_eq!(world.verify(&keys, "client", &second).await.unwrap(), "client");
    let own = Arc::new(set(&first).into());
    world.register("client", ClientMetadata::public_keys(Arc::clone(&own)));
    assert!(Arc::ptr_eq(&own, &keys.keys("client").await.unwrap()));
    assert_eq!(world.http.requests(), 0);
}

#[tokio::test]
async fn rfc7591_2_the_registered_algorithm_is_the_only_one() {
    let ours = new_key();
    let world = World::new();
    let keys = world.keys();
    for metadata in [ClientMetadata::jwks(set(&ours)), ClientMetadata::jwks_uri(url("client"))] {
        world.publish(&ours);
        world.register("client", metadata.clone().signing_algorithm(Algorithm::ES256));
        assert_eq!(world.verify(&keys, "client", &ours).await.unwrap(), "client");
        world.register("client", metadata.signing_algorithm(Algorithm::RS256));
        let error = world.verify(&keys, "client", &ours).await.unwrap_err();
        let expected = "the algorithm is ES256, allowed: RS256";
        assert_eq!(error.to_string(), expected);
        assert_eq!(response_of(&error), (400, "invalid_client", expected.to_owned()));
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_called_is_the_clients_fault() {
    let (ours, world) = (new_key(), World::new());
    let keys = world.keys();
    for bad in ["http://client.example/jwks", "https://user:password@client.example/", "jwks"] {
        world.register("client", ClientMetadata::jwks_uri(bad));
        let error = world.verify(&keys, "client", &ours).await.unwrap_err();
        assert!(
            matches!(&error, ClientKeysError::JwksUri { source: TransportError::OAuth(_), .. }),
            "{error}"
        );
        let said = "the jwks_uri of the client cannot be used".to_owned();
        assert_eq!(response_of(&error), (400, "invalid_client", said));
    }
    assert_eq!((world.http.requests(), keys.held()), (0, 0));
}

/// By default, a client cannot point the server at its own network.
#[tokio::test]
async fn by_default_keys_come_from_the_public_internet_only() {
    for bad in
        ["https://127.0.0.1/jwks", "https://10.0.0.7/jwks", "https://[::1]/jwks", "http://127.0.0.1/jwks"]
    {
        let keys = ClientKeys::new(move |_: &str| Some(ClientMetadata::jwks_uri(bad))).unwrap();
        let error = clean(keys.keys("client").await.unwrap_err());
        let ClientKeysError::Keys(RemoteJwksError::Unavailable { source, .. }) = &error else {
            panic!("{error}")
        };
        let reason = source.to_string();
        assert!(
            reason.contains("is not on the public internet") || reason.contains("is not https"),
            "{reason}"
        );
        let said = "the keys of the client are not available at the moment".to_owned();
        assert_eq!(response_of(&error), (503, "temporarily_unavailable", said));
    }
}

#[tokio::test]
async fn a_client_whose_server_fails_is_fetched_once_per_cool_down_and_harms_no_other() {
    let ours = new_key();
    let world = World::of(names(2), &ours);
    let keys = world.keys();
    world.verify(&keys, "client-1", &ours).await.unwrap();
    world.http.breaks();
    for _ in 0..3 * COOL_DOWN {
        for _ in 0..3 {
            let error = world.verify(&keys, "client-0", &ours).await.unwrap_err();
            assert!(matches!(error, ClientKeysError::Keys(RemoteJwksError::Unavailable { .. })), "{error}");
        }
        world.verify(&keys, "client-1", &ours).await.unwrap();
        world.time.pass(1);
    }
    assert_eq!(world.http.requests(), 1 + 3);
}

#[tokio::test]
async fn a_check_of_something_else_uses_the_same_keys() {
    let ours = new_key();
    let world = World::of(names(1), &ours);
    let keys = world.keys();
    let check = |name: &PrivateKey| {
        let (name, algorithm) = (name.key_id().clone(), name.algorithm());
        move |keys: &private_key_jwt::PublicKeySet, _| Ok(keys.select(Some(&name), algorithm).map(|_| ())?)
    };
    keys.verify_with("client-0", check(&ours)).await.unwrap();
    let error = keys.verify_with("client-0", check(&new_key())).await.unwrap_err();
    assert!(matches!(error, ClientKeysError::Verifier(VerifierError::Jose(_))), "{error}");
    world.register("client-0", ClientMetadata::jwks(set(&ours)));
    keys.verify_with("client-0", check(&ours)).await.unwrap();
    let failing =
        |_: &private_key_jwt::PublicKeySet, _| Err::<(), _>(VerifierError::Key(KeyError::BadSignature));
    let error = keys.verify_with("client-0", failing).await.unwrap_err();
    assert!(
        matches!(error, ClientKeysError::Verifier(VerifierError::Key(KeyError::BadSignature))),
        "{error}"
    );
}

/// A database that is down.
struct Down;

impl ClientRegistry for Down {
    fn client<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<ClientMetadata>, Cause>> {
        Box::pin(async { Err("no connection to db.internal".into()) })
    }
}

#[tokio::test]
async fn a_registry_that_fails_is_no_verdict_on_the_client() {
    let keys = ClientKeys::new(Down).unwrap();
    let error = clean(keys.keys("client").await.unwrap_err());
    let said = "the client cannot be authenticated at the moment".to_owned();
    assert_eq!(response_of(&error), (503, "temporarily_unavailable", said));
    let logged = "503 temporarily_unavailable: the client registry failed: no connection to db.internal";
    assert_eq!(error.token_endpoint_response().to_string(), logged);
}

#[tokio::test]
async fn the_settings_reach_each_client() {
    let ours = new_key();
    let world = World::of(names(1), &ours);
    let builder = world.builder().cool_down(Duration::from_secs(2)).hard_limit(Duration::from_secs(5));
    let keys = builder.build().unwrap();
    world.verify(&keys, "client-0", &ours).await.unwrap();
    world.http.breaks();
    world.time.pass(2);
    assert!(world.verify(&keys, "client-0", &new_key()).await.is_err());
    assert_eq!(world.http.requests(), 2);
    world.time.pass(3);
    let error = world.verify(&keys, "client-0", &ours).await.unwrap_err();
    assert!(matches!(error, ClientKeysError::Keys(RemoteJwksError::TooOld { .. })), "{error}");
    let capacity = ClientKeysBuilder::CAPACITY;
    assert_eq!(format!("{keys:?}"), format!("ClientKeys {{ capacity: {capacity}, held: 1, .. }}"));
}

#[tokio::test]
async fn the_observer_sees_each_fetch_and_each_refused_assertion() {
    let (ours, next, observed) = (new_key(), new_key(), Observed::default());
    let world = World::of(names(1), &ours);
    let keys = world.builder().observer(observed.clone()).build().unwrap();
    world.verify(&keys, "client-0", &ours).await.unwrap();
    assert_eq!(
        observed.events(|event| field(event, "url")),
        [r#"JwksFetched "https://client-0.example/jwks""#]
    );
    world.verify(&keys, "client-1", &ours).await.unwrap_err();
    assert_eq!(observed.events(|event| field(event, "reason")), ["RequestRefused Issuer"]);
    world.time.pass(COOL_DOWN);
    world.publish(&next);
    world.verify(&keys, "client-0", &next).await.unwrap();
    assert_eq!(observed.events(|event| field(event, "is_refresh")), ["JwksFetched true", "JwksChanged"]);
    world.verify(&keys, "client-0", &ours).await.unwrap_err();
    assert_eq!(observed.events(|event| field(event, "reason")), ["RequestRefused UnknownKey"]);
    world.http.breaks();
    world.time.pass(10_000);
    world.verify(&keys, "client-0", &next).await.unwrap_err();
    assert_eq!(
        observed.events(|event| field(event, "has_keys").or(field(event, "reason"))),
        ["JwksFetchFailed false", "RequestRefused KeysUnavailable"]
    );
}
