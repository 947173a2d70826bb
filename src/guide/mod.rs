//! Guides: one page per job. They are documentation only and add nothing to a build.
//!
//! | job | guide |
//! | --- | --- |
//! | get a token, cache it, and put it on requests | [`get_a_token`] |
//! | load a key file and register its public key | [`load_and_register_a_key`] |
//! | log a user in, exchange, introspect or revoke tokens | [`log_a_user_in`] |
//! | rotate keys without an outage | [`rotate_keys`] |
//! | keep keys in an HSM or KMS | [`keep_keys_in_a_kms`] |
//! | use your own HTTP client, or no async runtime | [`use_your_own_http_client`] |
//! | protect an API with access tokens | [`protect_an_api`] |
//! | authenticate clients at your token endpoint | [`authenticate_clients`] |
//! | test your program without a real authorization server | [`test_without_a_server`] |
//! | see what happens: logs, counters, metrics | [`see_what_happens`] |
//! | find out why the server says no | [`find_out_why_the_server_says_no`] |
//! | call PingOne, Entra ID, Okta, Auth0 or another provider | [`call_a_provider`] |
//! | do all this from a shell | [`use_the_command_line`] |

/// Declares a guide. `links.md` comes first: of two link definitions with one name, Markdown takes
/// the first, so links between guides lead to modules here and to files in the repository.
macro_rules! guide {
    ($name:ident, $($reference:literal),+) => {
        #[doc = include_str!("links.md")]
        #[doc = include_str!(concat!(stringify!($name), ".md"))]
        #[doc = "\n## Reference\n"]
        $(#[doc = $reference])+
        pub mod $name {}
    };
}

guide!(
    get_a_token,
    "[`TokenClient`](crate::TokenClient), [`TokenClientBuilder`](crate::TokenClientBuilder),",
    "[`TokenSource`](crate::TokenSource), [`BearerMiddleware`](crate::client::BearerMiddleware),",
    "[`TokenRequest`](crate::TokenRequest), [`Profile`](crate::Profile),",
    "[`BearerChallenge`](crate::oauth::BearerChallenge), [`ProtectedResource`](crate::oauth::ProtectedResource)"
);
guide!(
    load_and_register_a_key,
    "[`PrivateKey`](crate::PrivateKey), [`KeyLoader`](crate::KeyLoader), [`KeyFormat`](crate::keys::KeyFormat),",
    "[`KeyError`](crate::KeyError), [`JwkSet`](crate::JwkSet)"
);
guide!(
    log_a_user_in,
    "[`AuthorizationRequest`](crate::AuthorizationRequest),",
    "[`AuthorizationResponse`](crate::AuthorizationResponse), [`DeviceAuthorization`](crate::DeviceAuthorization),",
    "[`TokenRequest`](crate::TokenRequest), [`TokenExchange`](crate::TokenExchange), [`JwtGrant`](crate::JwtGrant),",
    "[`Introspection`](crate::Introspection)"
);
guide!(
    rotate_keys,
    "[`KeyDirectory`](crate::rotation::KeyDirectory), [`KeyFolder`](crate::rotation::KeyFolder),",
    "[`Manifest`](crate::rotation::Manifest), [`JwksService`](crate::rotation::JwksService),",
    "[`KeyRing`](crate::KeyRing), [`KeyError`](crate::KeyError)"
);
guide!(
    keep_keys_in_a_kms,
    "[`Signer`](crate::Signer), [`KeyRing`](crate::KeyRing), [`PublicKey`](crate::PublicKey),",
    "[`Signature`](crate::Signature)"
);
guide!(
    use_your_own_http_client,
    "[`HttpClient`](crate::transport::HttpClient), [`ReqwestClient`](crate::transport::ReqwestClient),",
    "[`ClientAssertion`](crate::ClientAssertion), [`TokenRequest`](crate::TokenRequest),",
    "[`TokenResponse`](crate::TokenResponse)"
);
guide!(
    protect_an_api,
    "[`AccessTokenVerifier`](crate::AccessTokenVerifier), [`AccessTokenProfile`](crate::AccessTokenProfile),",
    "[`RemoteJwks`](crate::RemoteJwks), [`BearerLayer`](crate::BearerLayer), [`RequireScope`](crate::RequireScope),",
    "[`Bearer`](crate::server::Bearer)"
);
guide!(
    authenticate_clients,
    "[`ClientAssertionVerifier`](crate::ClientAssertionVerifier), [`AudiencePolicy`](crate::AudiencePolicy),",
    "[`ClientKeys`](crate::ClientKeys), [`ErrorResponse`](crate::ErrorResponse),",
    "[`ReplayStore`](crate::ReplayStore), [`InMemoryReplayStore`](crate::InMemoryReplayStore),",
    "[`AccessTokenBuilder`](crate::AccessTokenBuilder), [`JwtBuilder`](crate::oauth::JwtBuilder)"
);
guide!(
    test_without_a_server,
    "[`dev_server`](crate::dev_server), [`DevServer`](crate::dev_server::DevServer),",
    "[`DevServerBuilder`](crate::dev_server::DevServerBuilder), [`TokenSource::fixed`](crate::TokenSource::fixed)"
);
guide!(
    see_what_happens,
    "[`observer`](crate::observer), [`Observer`](crate::observer::Observer), [`Event`](crate::observer::Event),",
    "[`Statistics`](crate::observer::Statistics), [`TokenClient::statistics`](crate::TokenClient::statistics)"
);
guide!(
    find_out_why_the_server_says_no,
    "[`Error`](crate::Error), [`Refusal`](crate::Refusal), [`Cause`](crate::oauth::Cause),",
    "[`Retry`](crate::Retry), [`doctor`](crate::doctor),",
    "[When a request fails](crate::TokenClientBuilder#when-a-request-fails)"
);
guide!(
    call_a_provider,
    "[`Profile`](crate::Profile), [`Audience`](crate::Audience), [`AuthorizationServer`](crate::AuthorizationServer),",
    "[`Discovery`](crate::Discovery)"
);
guide!(use_the_command_line, "[`dev_server`](crate::dev_server)");
