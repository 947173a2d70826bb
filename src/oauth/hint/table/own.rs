//! Servers made of this crate: their texts are exact.

use super::row::{Row, rows};

/// Servers made of this crate, and its dev server, which says more: `tests/oauth/own_server.rs`
/// asks it for these texts.
pub(super) const THIS_CRATE: &[Row] = rows! {
    // Of two JWTs in one request, the text names the one that is wrong.
    0 "*": "^the assertion of the grant:" => Grant "make a new JWT for the grant: the text says what is wrong with it";
    0 "*": "the audience is *, expected" => Audience "set the audience to a value that the text lists";
    0 "*": "audiences, exactly one is accepted" => SingleAudience;
    0 "*": "the claim `aud` is missing" => Audience;
    0 "*": "the JWT expired at" => Expired;
    0 "*": "the claim `iat` is *in the future"|"the claim `nbf` is *in the future" => NotYetValid;
    0 "*": "which is past the year 9999" => Malformed "write the times in seconds since 1970, not in milliseconds";
    0 "*": "the assertion lives *s are accepted"|"the assertion expires in *s are accepted" => Lifetime;
    0 "*": "`jti` of the assertion was used before"|"the assertion was used before; without a `jti`" => TokenIdReused;
    0 "*": "the claim `jti` is missing" => TokenIdMissing;
    0 "*": "iss is *, sub is *; both must be the client id"|"the claim `iss` is missing"|"the claim `sub` is missing"
        | "the form's client_id is *, the assertion's is" => Subject;
    0 "*": "the claim `*` is missing" => Malformed "add the claim that the text names";
    0 "*": "the claim `aud` is *, not" => Audience "send aud as one string";
    0 "*": "the claim `*` belongs to *; a client assertion with it needs the typ" => MediaType
        "set typ to client-authentication+jwt";
    0 "*": "the claim `*` is *, not" => Malformed "correct the claim that the text names";
    0 "*": "the client_assertion_type is *, expected"|"the form has no `client_assertion_type`" => AssertionType;
    0 "*": "the form has no `client_assertion`" => AuthenticationMethod
        "check that the form arrives whole: the server saw no assertion";
    0 "*": "which is another authentication method"|"the request has both an Authorization header"
        | "the form has a `client_secret`"|"the Authorization header is *private_key_jwt" => AuthenticationMethod;
    0 "*": "the typ is *, expected"|"the typ is *; * accepts only" => MediaType "set typ to a value that the text lists";
    0 "*": "the header has no `x5t#S256`; * requires it"|"the header has no `x5t`; * requires it"
        | "the header has no `x5c`; * requires it" => Certificate "send the certificate header that the text names";
    0 "*": "the header has no `kid`*; * requires it" => KeyId "send the kid of the registered key";
    0 "*": "the form has no `client_id`; * requires it" => Subject;
    0 "*": "issued * s ago (`iat`); * accepts an assertion for" => Expired
        "sign a new assertion for each request, and check the clock";
    0 "*": "expires in * s and has no `iat`" => Lifetime "add iat, or shorten the lifetime";
    0 "*": "the algorithm is *, allowed:"|"the algorithm is *, which is client_secret_jwt"
        | "unsupported algorithm `"|"the client_assertion is not signed (`alg` is" => Algorithm;
    0 "*": "needs a key of type *, found" => Algorithm "sign with the algorithm of the registered key", KeySet;
    0 "*": "the header requires an extension (`crit`)" => Malformed "omit crit from the header";
    0 "*": "no key in the set fits *: no key has that `kid`"|"keys in the set fit" => KeyId;
    0 "*": "no key in the set fits" => KeySet "register the public key, with a use and an alg that fit", KeyId, Algorithm;
    0 "*": "the signature does not verify" => Signature;
    0 "*": "a signature of * bytes cannot be"|"the client_assertion is not signed" => Malformed
        "check that the assertion arrives whole";
    0 "*": "client `*` is not registered" => UnknownClient;
    0 "*": "the JWKS URL of client `*` was not fetched"|"the keys from the JWKS URL of client" => KeySetUnreachable;
    0 "*": "the client_assertion is PEM" => Malformed "send the JWT that the key signs, never the key";
    0 "*": "the client_assertion begins with"|"the client_assertion is in quotes"|"the client_assertion is JSON"
        | "the client_assertion contains" => Malformed "check that the assertion arrives as it was signed";
    0 "*": "a compact JWS has three parts"|"is not base64url without padding"|"is not JSON (line"
        | "is not a JSON object"|"has the member `*` more than once"|"has no member `"|"has a member `" => Malformed
        "check that the assertion arrives as it was signed";
    0 "*": "the JWT has * bytes, at most" => Malformed "leave out what the server does not need, such as x5c";
    0 "*": "the client_assertion is also the `" => Malformed "make a JWT of its own for each parameter";
    0 "*": "has `*` more than once" => Malformed "send each parameter once";
    0 "*": "the Content-Type is *expected `application/x-www-form-urlencoded`"|"the body is JSON, expected a form"
        | "Content-Type, expected `application/x-www-form-urlencoded`" => Malformed
        "send the form as application/x-www-form-urlencoded";
    0 "*": "the form has no `"|"bytes, at most * are read"|"which belongs in the body (RFC 6749"|"the method is *, expected" => Malformed
        "send what the text names";
    0 "*": "the replay store already holds" => RateLimited "cache the token: too many assertions are in use at once";
    0 "*": "the replay store"|"nothing is accepted: the setting" => ServerFault;
    0 "*": "this failure was ordered with `fail_next`" => ServerFault "the test ordered this failure";
    0 "*": "the server is full; wait until older entries expire" => ServerFault "wait until older entries expire";
    // Not about the client, but about what it requests.
    0 "*": "the user denied the request" => Consent;
    0 "*": "the grant_type is *, supported:" => GrantType "use a grant type that the text lists";
    0 "*": "the scope `*` was not granted" => Scope;
    0 "*": "the redirect_uri is *, but it was" => Grant "send the redirect_uri of the authorization request";
    0 "*": "the code_verifier" => Grant "send the code verifier of this very login";
    0 "*": "_token_type is *, expected" => Malformed "send a token type that the text lists";
    0 "*": "the code expired; codes are valid for"|"the code is unknown"|"the code was used before"|"the code was issued to"
        | "the device code"|"the user did not decide in time"|"the refresh token"|"^the subject_token"
        | "^the actor_token"|"^the token was issued to" => Grant;
};
