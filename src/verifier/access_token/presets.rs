//! One profile for each kind of issuer, based on its public documentation from November 2026.

use std::borrow::Cow;

use super::super::setting::Settings;
use super::permissions::PermissionClaims;
use super::profile::{AccessTokenProfile, Rule, Text};
use crate::oauth::{
    ADFS_TOKENS, AUTH0_TOKENS, COGNITO_TOKENS, ENTRA_ID_TOKENS, ENTRA_ID_V1_TOKENS, ENTRA_ID_V2_TOKENS,
    HYDRA_TOKENS, KEYCLOAK_TOKENS, OKTA_TOKENS, PING_FEDERATE_TOKENS, PING_ONE_TOKENS, SPRING_TOKENS,
    TokenShape, ZITADEL_TOKENS,
};

impl AccessTokenProfile {
    /// RFC 9068, the default: `typ: at+jwt`; `sub`, `client_id`, `iat` and `jti` are present;
    /// `scope` is a string.
    ///
    /// Some issuers can be configured to follow it, for example Auth0 (the RFC 9068 profile of an
    /// API) and oidc-provider. The type alone is not enough: Keycloak and Duende IdentityServer
    /// send `at+jwt`, but not all of the claims.
    #[must_use]
    pub fn rfc9068() -> Self {
        Self {
            name: Cow::Borrowed("rfc9068"),
            is_strict: true,
            types: vec![Cow::Borrowed("at+jwt")],
            accepts_untyped: false,
            client_id: vec![Cow::Borrowed("client_id")],
            requires_client_id: false,
            permissions: PermissionClaims::of(&["scope"]),
            rules: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Any issuer: `typ` is `at+jwt`, `JWT` or missing; `sub`, `client_id`, `iat`, `jti` may be
    /// missing, and a `jti` of the wrong type counts as missing. The scopes are those of `scope`,
    /// or of `scp` if there is no `scope`, as a string or an array. The client id is the first of
    /// `client_id`, `azp`, `cid`, `appid`. This fits issuers without a preset, such as Duende
    /// IdentityServer, UAA, Authlib, Maskinporten, and, with
    /// [`accept_missing_audience_from`](super::AccessTokenVerifier::accept_missing_audience_from),
    /// ID-porten and MITREid Connect.
    ///
    /// The price is the protection that `typ` gives (RFC 8725 §3.11): an ID token with the same
    /// audience passes, unless it has `at_hash` or `c_hash`. Other JWTs of the issuer pass as well,
    /// except logout tokens and introspection responses. Prefer the preset for your issuer, an
    /// audience that is not a client's id, and a required scope.
    #[must_use]
    pub fn relaxed() -> Self {
        Self {
            name: Cow::Borrowed("relaxed"),
            is_strict: false,
            types: vec![Cow::Borrowed("at+jwt"), Cow::Borrowed("JWT")],
            accepts_untyped: true,
            client_id: names(&["client_id", "azp", "cid", "appid"]),
            requires_client_id: false,
            permissions: PermissionClaims::of(&["scope", "scp"]),
            rules: absent(&["at_hash", "c_hash", "token_introspection", TokenShape::LOGOUT_EVENT]),
            settings: Settings::default(),
        }
    }

    /// PingOne, for custom resources and the PingOne API.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | none, optionally `at+jwt`; always `at+jwt` from 2 March 2027 |
    /// | issuer | `https://auth.pingone.com/ENV_ID/as`, or the region's or your own domain |
    /// | audience | the `audience` of the resource, in an array |
    /// | subject | `sub`; tokens of the client credentials grant have none |
    /// | client id | `client_id`, always present |
    /// | scopes | `scope`, a string |
    ///
    /// The preset tells access tokens from ID tokens by `client_id`, which ID tokens do not have,
    /// and by `at_hash`, `c_hash` and `nonce`.
    #[must_use]
    pub fn ping_one() -> Self {
        Self::of(&PING_ONE_TOKENS)
    }

    /// PingFederate, with a JSON Web Token access token manager.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | none, unless the manager sets a type header; `at+jwt` is one choice |
    /// | issuer, audience | as the manager is set; **by default neither**, so set both |
    /// | subject | `sub` if the attribute contract has it |
    /// | client id | `client_id`, unless the manager names the claim otherwise |
    /// | scopes | `scope`: an array, or a string if the manager delimits scopes with spaces |
    ///
    /// The preset tells access tokens from ID tokens by the client id, and by `at_hash`, `c_hash`
    /// and `nonce`. If the manager has another name for the claim, call
    /// [`client_id_claims`](Self::client_id_claims). An access token manager and an ID token policy
    /// may use the same key: do not add `client_id` to the policy's contract.
    #[must_use]
    pub fn ping_federate() -> Self {
        Self::of(&PING_FEDERATE_TOKENS)
    }

    /// Auth0, with either access token profile of the API.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | `JWT`; `at+jwt` with the RFC 9068 profile |
    /// | issuer | `https://TENANT.auth0.com/` **with** the slash, or your own domain |
    /// | audience | the API's identifier, in an array with `…/userinfo` if `openid` was requested |
    /// | subject | `sub`: the user, or `CLIENT_ID@clients` |
    /// | client id | `azp`; `client_id` with the RFC 9068 profile |
    /// | scopes | `scope`, a string; `permissions`, an array, if the API adds the user's permissions |
    ///
    /// To check the permissions of users, call [`permission_claims`](Self::permission_claims) with
    /// `"permissions"`.
    ///
    /// The preset tells access tokens from ID tokens by the client id, and by `at_hash`, `c_hash`
    /// and `nonce`. Also, the audience of an ID token is a client's id.
    #[must_use]
    pub fn auth0() -> Self {
        Self::of(&AUTH0_TOKENS)
    }

    /// Okta, with a custom authorization server. The access tokens of the org authorization server
    /// are for Okta's own API, and other parties must not check them.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | none |
    /// | issuer | `https://ORG.okta.com/oauth2/SERVER_ID`, such as `…/oauth2/default` |
    /// | audience | the audience of the authorization server, a string |
    /// | subject | `sub`: the user's login, or the client id; the user's id is `uid` |
    /// | client id | `cid`, always present |
    /// | scopes | `scp`, an array |
    ///
    /// The preset tells access tokens from ID tokens by `cid`, and by `at_hash`, `c_hash` and
    /// `nonce`. Do not add a claim `cid` to ID tokens.
    #[must_use]
    pub fn okta() -> Self {
        Self::of(&OKTA_TOKENS)
    }

    /// Microsoft Entra ID, with tokens of version 1.0 or 2.0.
    ///
    /// | what | version 1.0 | version 2.0 |
    /// | --- | --- | --- |
    /// | `typ` | `JWT` | `JWT` |
    /// | issuer | `https://sts.windows.net/TENANT_ID/` | `https://login.microsoftonline.com/TENANT_ID/v2.0` |
    /// | audience | the API's App ID URI, such as `api://CLIENT_ID`, or its client id | the API's client id |
    /// | client id | `appid` | `azp` |
    ///
    /// The version depends on `requestedAccessTokenVersion` in the *API's* manifest, not on the
    /// endpoint that the client calls. The issuer ends in a slash in version 1.0, but not in
    /// version 2.0.
    ///
    /// The subject is `sub`, a different one for each client; `oid` identifies the user or service
    /// principal in the tenant. The scopes are those of `scp`, a string, which tokens for a user
    /// have. Tokens for the client itself have no `scp`: their scopes are the app permissions in
    /// `roles`, an array. The `roles` of a user's token are the user's app roles and do not count
    /// as scopes; read them with [`custom`](super::AccessTokenClaims::custom).
    ///
    /// Every tenant is an issuer of its own. Guests of your tenant have tokens of your tenant. If
    /// other tenants use your API, add each of them with
    /// [`accept_issuer`](super::AccessTokenVerifier::accept_issuer). All tenants share their keys,
    /// at `https://login.microsoftonline.com/common/discovery/v2.0/keys`, so only the accepted
    /// issuers keep other tenants out.
    ///
    /// The preset tells access tokens from ID tokens by `azp` or `appid`, and by `at_hash`,
    /// `c_hash` and `nonce`. `ver` must be one of the two versions.
    #[must_use]
    pub fn entra_id() -> Self {
        Self::of(&ENTRA_ID_TOKENS)
    }

    /// As [`entra_id`](Self::entra_id), for tokens of version 1.0 only.
    #[must_use]
    pub fn entra_id_v1() -> Self {
        Self::of(&ENTRA_ID_V1_TOKENS)
    }

    /// As [`entra_id`](Self::entra_id), for tokens of version 2.0 only.
    #[must_use]
    pub fn entra_id_v2() -> Self {
        Self::of(&ENTRA_ID_V2_TOKENS)
    }

    /// Keycloak.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | `JWT`; `at+jwt` if the client is set to it |
    /// | issuer | `https://HOST/realms/REALM` |
    /// | audience | what audience mappers add, otherwise `account` or **nothing**: add one for your API |
    /// | subject | `sub`, unless the client uses lightweight access tokens |
    /// | client id | `azp` |
    /// | scopes | `scope`, a string; roles in `realm_access.roles` and `resource_access.CLIENT.roles` |
    ///
    /// To check realm roles, call [`permission_claims`](Self::permission_claims) with
    /// `"/realm_access/roles"`.
    ///
    /// The preset tells access tokens from ID tokens, refresh tokens and logout tokens by the claim
    /// `typ`, which is `Bearer`, or `DPoP` if the token is bound to a DPoP key. No case remains.
    #[must_use]
    pub fn keycloak() -> Self {
        Self::of(&KEYCLOAK_TOKENS)
    }

    /// Active Directory Federation Services 2016 and later.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | `JWT`; the key is named by `x5t`, often without `kid` |
    /// | issuer | `http://HOST/adfs/services/trust`: `access_token_issuer` in the metadata, **not** `issuer` |
    /// | audience | the identifier of the Web API; `microsoft:identityserver:…` or `urn:microsoft:userinfo` otherwise |
    /// | subject | `sub` if the issuance rules add it; client credentials tokens have none |
    /// | client id | `appid`, always present |
    /// | scopes | `scp`, a string |
    ///
    /// The preset tells access tokens from ID tokens by the issuer, which is `https://HOST/adfs` in
    /// ID tokens, by `appid`, and by `at_hash`, `c_hash` and `nonce`. ID tokens have `appid` too:
    /// if you accept `https://HOST/adfs` as issuer and a client's id as audience, that client's ID
    /// tokens without a nonce pass.
    #[must_use]
    pub fn adfs() -> Self {
        Self::of(&ADFS_TOKENS)
    }

    /// Amazon Cognito user pools.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | none |
    /// | issuer | `https://cognito-idp.REGION.amazonaws.com/POOL_ID` |
    /// | audience | **none**, unless the client requested a resource (RFC 8707) |
    /// | subject | `sub`: the user, or the client id |
    /// | client id | `client_id`, always present |
    /// | scopes | `scope`, a string; the user's groups in `cognito:groups` |
    ///
    /// List the clients with
    /// [`accept_missing_audience_from`](super::AccessTokenVerifier::accept_missing_audience_from)
    /// or [`without_audience`](super::AccessTokenVerifier::without_audience). The former describes
    /// the price.
    ///
    /// The preset tells access tokens from ID tokens by `token_use`, which is `access`. No case
    /// remains.
    #[must_use]
    pub fn cognito() -> Self {
        Self::of(&COGNITO_TOKENS)
    }

    /// Spring Authorization Server, with its own token generator.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | none |
    /// | issuer | as set, or the server's URL |
    /// | audience | the **client's id**, in an array |
    /// | subject | `sub`: the user, or the client id |
    /// | client id | no claim of its own, so `client_id()` is `None`; it is the audience |
    /// | scopes | `scope`, an array; missing if there are none |
    ///
    /// Pass the ids of the clients as audiences. They do not identify your API, so a token that one
    /// of the clients obtained for another API passes (RFC 8725 §3.9). Require a scope, or set the
    /// audience in an `OAuth2TokenCustomizer`, which may also add `client_id`.
    ///
    /// The preset tells access tokens from ID tokens by `azp`, which ID tokens always have, and by
    /// `at_hash`, `c_hash` and `nonce`.
    #[must_use]
    pub fn spring() -> Self {
        Self::of(&SPRING_TOKENS)
    }

    /// Ory Hydra, with the access token strategy `jwt`.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | `JWT` |
    /// | issuer | `urls.self.issuer` |
    /// | audience | what the client requested with `audience`, otherwise an **empty array** |
    /// | subject | `sub`: the user, or the client id |
    /// | client id | `client_id`, always present |
    /// | scopes | `scp`, an array; `scope`, a string, if `strategies.jwt.scope_claim` is `string` or `both` |
    ///
    /// Have clients request your API's audience. List clients that do not with
    /// [`accept_missing_audience_from`](super::AccessTokenVerifier::accept_missing_audience_from).
    ///
    /// The preset tells access tokens from ID tokens by `client_id`, and by `at_hash`, `c_hash` and
    /// `nonce`. Do not add `client_id` to the ID token's session data.
    #[must_use]
    pub fn hydra() -> Self {
        Self::of(&HYDRA_TOKENS)
    }

    /// The OpenID provider library `zitadel/oidc`.
    ///
    /// | what | where |
    /// | --- | --- |
    /// | `typ` | `JWT` |
    /// | audience | the client's id, unless the storage adds others |
    /// | subject | `sub` |
    /// | client id | no claim of its own, so `client_id()` is `None` unless the storage adds `client_id` |
    /// | scopes | none, unless the storage adds `scope` |
    ///
    /// The preset tells access tokens from ID tokens by `azp`, which ID tokens always have, and by
    /// `at_hash`, `c_hash` and `nonce`. If the audience is a client's id, the same restrictions
    /// apply as for [`spring`](Self::spring).
    #[must_use]
    pub fn zitadel() -> Self {
        Self::of(&ZITADEL_TOKENS)
    }

    fn of(shape: &TokenShape) -> Self {
        let one_of = shape.one_of.map(|(claim, values)| (Cow::Borrowed(claim), Rule::OneOf(names(values))));
        Self {
            name: Cow::Borrowed(shape.name),
            client_id: names(shape.client_id),
            requires_client_id: shape.has_client_id,
            permissions: PermissionClaims::of(shape.permissions),
            rules: absent(shape.of_other_tokens).into_iter().chain(one_of).collect(),
            ..Self::relaxed()
        }
    }
}

fn names(names: &[&'static str]) -> Vec<Text> {
    names.iter().copied().map(Cow::Borrowed).collect()
}

fn absent(claims: &[&'static str]) -> Vec<(Text, Rule)> {
    claims.iter().map(|claim| (Cow::Borrowed(*claim), Rule::Absent)).collect()
}
