//! huskarl, with keys of huskarl-crypto-native. Its assertion comes as part of the form parameters
//! that its grants send; its `jti` is a UUID v7 that it makes itself.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use huskarl::core::EndpointUrl;
use huskarl::core::client_auth::{
    Audience, AuthenticationContext, ClientAuthentication, FormValue, JwtBearer,
};
use huskarl::core::jwk::PublicJwk;
use huskarl::core::jwt::validator::JwtValidator;
use huskarl_crypto_native::asymmetric::signer::{AsymmetricAlgorithm, PrivateKey, pkcs8_pem};
use huskarl_crypto_native::asymmetric::verifier::AsymmetricPublicKey;
use serde::Deserialize;

use crate::{Error, Operation, Order};

fn algorithm(order: &Order) -> Option<AsymmetricAlgorithm> {
    Some(match order.algorithm.as_str() {
        "RS256" => AsymmetricAlgorithm::Rs256,
        "PS256" => AsymmetricAlgorithm::Ps256,
        "ES256" => AsymmetricAlgorithm::Es256,
        "ES384" => AsymmetricAlgorithm::Es384,
        "EdDSA" => AsymmetricAlgorithm::EdDsa,
        _ => return None,
    })
}

fn key(pem: &str, algorithm: AsymmetricAlgorithm, key_id: &str) -> Result<PrivateKey, Error> {
    Ok(PrivateKey::from_jwk(pkcs8_pem(pem, algorithm, Some(key_id))?)?)
}

pub(crate) fn sign(order: &Order) -> Result<Option<Operation>, Error> {
    let Some(algorithm) = algorithm(order) else { return Ok(None) };
    let bearer = JwtBearer::builder()
        .signer(key(&order.private_pem, algorithm, &order.key_id)?)
        .audience(Audience::Issuer)
        .build();
    let endpoint: EndpointUrl = format!("{}/token", order.issuer).parse()?;
    let (client_id, issuer) = (order.client_id.clone(), order.issuer.clone());
    Ok(Some(Box::new(move |_| {
        let context = AuthenticationContext::builder()
            .client_id(&client_id)
            .target_endpoint(&endpoint)
            .issuer(&issuer)
            .token_endpoint(&endpoint)
            .build();
        let parameters = ready(bearer.authentication_context(context))?;
        let form = parameters.form_params.unwrap_or_default();
        let assertion = form.into_iter().find_map(|(name, value)| match value {
            FormValue::Sensitive(secret) if name == "client_assertion" => {
                Some(secret.expose_secret().to_owned())
            }
            _ => None,
        });
        assertion.ok_or_else(|| "no assertion in the form".into()).map(Some)
    })))
}

#[derive(Clone, Deserialize)]
struct NoOtherClaims {}

pub(crate) fn verify(order: &Order) -> Result<Option<Operation>, Error> {
    if algorithm(order).is_none() {
        return Ok(None);
    }
    let jwk: PublicJwk = serde_json::from_str(&order.public_jwk)?;
    let validator = JwtValidator::builder()
        .verifier(AsymmetricPublicKey::from_jwk(jwk)?)
        .aud(order.issuer.as_str())
        .require_exp(true)
        .allowed_algorithms([order.algorithm.clone()])
        .build();
    Ok(Some(Box::new(move |token| {
        black_box(ready(validator.validate::<NoOtherClaims>(token))?);
        Ok(None)
    })))
}

pub(crate) fn load(order: &Order) -> Result<Option<Operation>, Error> {
    let Some(algorithm) = algorithm(order) else { return Ok(None) };
    let key_id = order.key_id.clone();
    Ok(Some(Box::new(move |pem| {
        black_box(key(pem, algorithm, &key_id)?);
        Ok(None)
    })))
}

/// Keys in memory never wait, so a runtime would only add cost.
fn ready<T, E: Into<Error>>(future: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.map_err(Into::into),
        Poll::Pending => Err("waits for something".into()),
    }
}
