//! Test a program without a real authorization server: [`DevServer`] is a small, strict one, and an
//! OpenID provider. **Not for production**: it grants every scope, forgets everything when it ends,
//! lets anyone who sees its pages decide for the user, and tells every caller which check failed.
//!
//! The server is a function from a request and a time to a response, [`DevServer::respond`]. Pass
//! the server to [`TokenClientBuilder::http`](crate::TokenClientBuilder::http) to use it without a
//! socket, mount it in any HTTP mock, or let [`DevServer::bind`] listen on a loopback port. Use
//! [`DevServer::builder`] to change its settings.
//!
//! # Endpoints
//!
//! The paths are PingOne's, below the issuer `ORIGIN/ENV_ID/as`:
//!
//! | path | endpoint |
//! | --- | --- |
//! | `/token` | the token endpoint (RFC 6749 §3.2) |
//! | `/par` | pushed authorization requests (RFC 9126) |
//! | `/introspect` | introspection (RFC 7662): access tokens for every client, refresh tokens only for their own |
//! | `/revoke` | revocation (RFC 7009): revoking a refresh token revokes all tokens of its login |
//! | `/device_authorization` | device authorization (RFC 8628), with the page at `/device` |
//! | `/authorize` | the authorization endpoint (RFC 6749 §3.1), a page or a redirect |
//! | `/userinfo` | the `sub` of an access token with the scope `openid` (OpenID Connect Core §5.3) |
//! | `/jwks` | the keys that tokens are signed with |
//! | `/.well-known/openid-configuration` | the metadata (OpenID Connect Discovery §4), also at the RFC 8414 §3.1 path |
//!
//! The [inspector](#inspector) is at the root of the origin.
//!
//! [`DevServer::authorization_server`] returns all of this without a request. An unknown query
//! parameter in an endpoint's URL is ignored (RFC 6749 §3.2). A parameter of the protocol is
//! refused there, because it belongs in the body. HEAD is answered wherever GET is.
//!
//! # Clients
//!
//! A client authenticates at each of the first five endpoints with `private_key_jwt`, and with no
//! other method. This crate's own [verifier](crate::verifier) checks the assertion. It accepts any
//! of the crate's algorithms, each assertion once, and a lifetime of at most
//! [`DevServer::LONGEST_LIFETIME`]. [`DevServerBuilder::longest_lifetime`],
//! [`DevServerBuilder::reusable_assertions`] and [`DevServerBuilder::accept_missing_jti`] allow
//! more. `EdDSA` and `Ed25519` name the same algorithm. Like PingOne, the server accepts three
//! audiences: the issuer, the token endpoint and the endpoint that is called; one per assertion.
//! Malformed requests are refused before the assertion is used up.
//!
//! # Refusals
//!
//! `error_description` names the check that failed, with what was found and what was expected. A
//! client that fails to authenticate gets 400 `invalid_client`. If it sends an `Authorization`
//! header, it gets 401 and a challenge of the same scheme (RFC 6749 §5.2, RFC 9110 §15.5.2).
//!
//! # Providers
//!
//! [`DevServerBuilder::profile`] makes the server as strict and as terse as a provider: it demands
//! what the provider demands of assertions, and refuses in its words. [`Profile::fapi2`] applies
//! FAPI 2.0 to all endpoints.
//!
//! # Inspector
//!
//! [`DevServer::inspector`] is the URL of a page that shows the last hundred requests as they
//! arrive: the endpoint, the client, the decoded header and claims with times in words, every check
//! with a tick or a cross and the reason, and the answer. It also judges an assertion that is
//! pasted into it, by the rules of this server and under each named profile. It neither stores the
//! assertion nor uses it up. The page shows no token, no code and no signature. Its own requests
//! are neither logged nor shown, and they are answered without the [delay](DevServer::set_delay).
//!
//! [`Profile::fapi2`]: crate::Profile::fapi2
//!
//! # Tokens
//!
//! Access tokens follow RFC 9068: `typ: at+jwt`, signed with RS256, valid for an hour.
//! [`DevServerBuilder::token_algorithm`] and [`DevServerBuilder::token_media_type`] choose others,
//! for resource servers that require them. With every grant, `resource` and `audience` go into the
//! `aud` of the token. Tokens of a login carry the claim `grant_id`.
//!
//! A login with the scope `openid` also gets an ID token (OpenID Connect Core §2), signed with
//! RS256, from the authorization code, the device code and each refresh: `iss`, `sub`, `aud`,
//! `exp` (an hour later), `iat`, `auth_time`, `at_hash` and, with a code, the `nonce` of the
//! request.
//!
//! Keys are generated when they are first needed or, once the server listens, in the background.
//! RSA keys are slow to generate, so the servers of a process share one, under different `kid`s.
//!
//! # Grants
//!
//! - `client_credentials`.
//! - `authorization_code`: PKCE with S256 is required. The redirect URI is http or https on
//!   loopback, with any port and path. It is not registered, and must equal the one at `/token`
//!   byte for byte. A code lives for a minute. The first request that sends it uses it up, even if
//!   the request fails. If the code is sent again, its tokens are revoked. A pushed request is
//!   valid for a minute, or until the user has decided. `response_mode` is `query` or `form_post`,
//!   and the answer has `iss` (RFC 9207). The `scope` of a code exchange is ignored (RFC 6749
//!   §4.1.3). `prompt=none` fails with `login_required` if no user is logged in.
//! - `refresh_token`: each login gets one. It lives for a day, is used once, and is then replaced
//!   by the next. If it is sent again, all tokens of the login are revoked (RFC 9700 §4.14.2).
//!   Scopes and resources may be narrowed.
//! - `device_code`: the user has ten minutes. The device waits five seconds between polls, and five
//!   more after each `slow_down`.
//! - `jwt-bearer`: accepts JWTs of the issuers of [`DevServer::trust_issuer`]. The audience is the
//!   issuer or the token endpoint, the lifetime is at most a day, and a `jti`, if there is one, is
//!   accepted once.
//! - `token-exchange`: exchanges an access token of this server for another one, with `act` if
//!   there is an actor. The new token ends with the login that the first one came from.
//!
//! # Faults
//!
//! [`DevServer::fail_next`] lets the next token requests fail with a status of your choice, and
//! [`DevServer::set_delay`] lets answers take their time, on the clock of
//! [`DevServerBuilder::clock`].
//!
//! # Users
//!
//! A test decides for the user: [`DevServer::approve`] and [`DevServer::deny`] for a device,
//! [`DevServer::log_in_as`] for `/authorize`, which then redirects at once. Without a test, the
//! server shows pages with two buttons. `curl` can send their form as well:
//!
//! ```text
//! curl -d user_code=WDJB-MJHT -d decision=approve -d subject=user-1 ISSUER/device
//! curl -i -d client_id=client -d request_uri=urn:… -d decision=deny ISSUER/authorize
//! ```
//!
//! # Browsers
//!
//! A web page in the developer's browser must not be able to drive the server, so:
//!
//! - The `Host` of a request must be a loopback name with the server's port, one of
//!   [`DevServerBuilder::allow_host`], or that of [`DevServerBuilder::public_url`]. Any other gets
//!   421.
//! - A POST from a page of another origin, recognised by its `Sec-Fetch-Site` or `Origin`, gets 403
//!   at every endpoint. An authorization request by POST (OpenID Connect Core §3.1.2.1) is answered
//!   like one by GET; the decision about it must come from the server's own page. Programs outside
//!   a browser send neither header.
//! - There is no CORS, because a page has no private key to authenticate with. No page of another
//!   origin can read an answer.
//! - The pages cannot be framed and load nothing, and the server sets no cookie. Only the pages'
//!   own scripts run, and the inspector's cannot turn text into markup. Every answer has
//!   `no-store`, `nosniff` and `Cross-Origin-Resource-Policy: same-origin`. Only the server's keys
//!   may be cached, for [`DevServerBuilder::jwks_cache_time`].
//!
//! At most 256 connections are open at a time. Further ones wait: idle connections are closed, and
//! the others close after their next answer. The first time, a line on stderr says so.
//!
//! The server keeps everything in memory, bounded: at most a thousand logins of each kind and a
//! hundred thousand tokens at a time. A full server answers 503 until entries expire, by the time
//! that the caller passes.

mod access_token;
mod answer;
mod authentication;
mod authority;
mod authorization_request;
mod authorize;
mod build;
mod builder;
mod client_folder;
mod clients;
mod code;
mod connections;
mod demands;
mod device;
mod device_authorization;
mod device_page;
mod error;
mod fault;
mod faults;
mod form;
mod grant;
mod http_client;
mod id_token;
mod inner;
mod inspector;
mod introspect;
mod listener;
mod metadata;
mod page;
mod par;
mod paths;
mod provider;
mod refresh_token;
mod refused;
mod revoke;
mod routes;
mod secret;
mod sender;
mod server;
mod shown;
mod signing_keys;
mod state;
mod store;
#[cfg(feature = "dev-server-tls")]
mod tls;
mod token;
mod userinfo;
mod users;

pub use answer::Exchange;
pub use builder::DevServerBuilder;
pub use client_folder::ClientFolder;
pub use clients::ClientKeys;
pub use error::DevServerError;
pub use listener::RunningDevServer;
pub use server::DevServer;
