package main

import (
	"context"
	"crypto"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// jwkOf is a private key of the test data, named by its thumbprint.
func jwkOf(name string) jwk.Key {
	key, err := jwk.ParseKey(pem(name+".pkcs8"), jwk.WithPEM(true))
	if err != nil {
		panic(err)
	}
	if err := jwk.AssignKeyID(key); err != nil {
		panic(err)
	}
	return key
}

func thumbprint(name string) string {
	digest, err := jwkOf(name).Thumbprint(crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(digest)
}

// assertion is signed with jwx, as its documentation has it.
func assertion(clientID, key string, alg jwa.SignatureAlgorithm, audience string) (string, error) {
	token, err := jwt.NewBuilder().
		Issuer(clientID).Subject(clientID).Audience([]string{audience}).
		JwtID(oauth2.GenerateVerifier()).
		IssuedAt(time.Now()).Expiration(time.Now().Add(time.Minute)).
		Build()
	if err != nil {
		return "", err
	}
	signed, err := jwt.Sign(token, jwt.WithKey(alg, jwkOf(key)))
	return string(signed), err
}

// x/oauth2 with endpoints and ID tokens by go-oidc, and assertions by jwx.
func xoauth2() {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, issuer)
	check("discovery", func() (any, error) { return err == nil, err })
	if err != nil {
		return
	}
	endpoint := provider.Endpoint()

	for _, it := range []struct {
		id, key string
		alg     jwa.SignatureAlgorithm
	}{
		{"rsa", "rsa2048", jwa.RS256()},
		{"rsa", "rsa2048", jwa.PS256()},
		{"ec", "p256", jwa.ES256()},
		{"ed", "ed25519", jwa.EdDSA()},
	} {
		for _, style := range []struct {
			name  string
			style oauth2.AuthStyle
		}{
			{"in the form", oauth2.AuthStyleInParams},
			{"detected", oauth2.AuthStyleAutoDetect},
		} {
			check(it.alg.String()+" client credentials, "+style.name, func() (any, error) {
				signed, err := assertion(it.id, it.key, it.alg, issuer)
				if err != nil {
					return nil, err
				}
				config := clientcredentials.Config{
					ClientID: it.id,
					TokenURL: endpoint.TokenURL,
					Scopes:   []string{"api:read"},
					EndpointParams: url.Values{
						"client_assertion":      {signed},
						"client_assertion_type": {assertionType},
					},
					AuthStyle: style.style,
				}
				token, err := config.Token(ctx)
				if err != nil {
					return nil, err
				}
				return token.Type() + " " + token.Extra("scope").(string), nil
			})
		}
	}

	config := oauth2.Config{
		ClientID:    "ec",
		Endpoint:    endpoint,
		RedirectURL: redirectURI,
		Scopes:      []string{oidc.ScopeOpenID, "api:read"},
	}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	var token *oauth2.Token
	check("login", func() (any, error) {
		verifier := oauth2.GenerateVerifier()
		back, err := login(config.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce-1")))
		if err != nil {
			return nil, err
		}
		signed, err := assertion("ec", "p256", jwa.ES256(), endpoint.TokenURL)
		if err != nil {
			return nil, err
		}
		token, err = config.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier),
			oauth2.SetAuthURLParam("client_assertion", signed),
			oauth2.SetAuthURLParam("client_assertion_type", assertionType))
		if err != nil {
			return nil, err
		}
		raw, _ := token.Extra("id_token").(string)
		claims, err := provider.Verifier(&oidc.Config{ClientID: "ec"}).Verify(ctx, raw)
		if err != nil {
			return nil, err
		}
		return strings.Join([]string{claims.Subject, claims.Nonce}, " "), claims.VerifyAccessToken(token.AccessToken)
	})
	if token != nil {
		check("userinfo", func() (any, error) {
			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
			if err != nil {
				return nil, err
			}
			return info.Subject, nil
		})
	}
	check("device", func() (any, error) {
		signed, err := assertion("ec", "p256", jwa.ES256(), issuer)
		if err != nil {
			return nil, err
		}
		waiting, err := config.DeviceAuth(ctx, oauth2.SetAuthURLParam("client_assertion", signed),
			oauth2.SetAuthURLParam("client_assertion_type", assertionType))
		if err != nil {
			return nil, err
		}
		if err := approve(waiting.VerificationURI, waiting.UserCode); err != nil {
			return nil, err
		}
		signed, err = assertion("ec", "p256", jwa.ES256(), issuer)
		if err != nil {
			return nil, err
		}
		token, err := config.DeviceAccessToken(ctx, waiting, oauth2.SetAuthURLParam("client_assertion", signed),
			oauth2.SetAuthURLParam("client_assertion_type", assertionType))
		if err != nil {
			return nil, err
		}
		return token.Type(), nil
	})
}
