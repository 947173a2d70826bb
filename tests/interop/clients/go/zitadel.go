package main

import (
	"context"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// zitadel's relying party and resource server: RS256, an hour, the issuer as audience.
func zitadel() {
	ctx := context.Background()
	scopes := []string{oidc.ScopeOpenID, "api:read"}
	key := pem("rsa2048.pkcs8")
	party, err := rp.NewRelyingPartyOIDC(ctx, issuer, "rsa", "", redirectURI, scopes,
		rp.WithJWTProfile(rp.SignerFromKeyAndKeyID(key, thumbprint("rsa2048"))))
	check("discovery", func() (any, error) { return err == nil, err })
	if err != nil {
		return
	}

	check("client credentials", func() (any, error) {
		assertion, err := client.SignedJWTProfileAssertion("rsa", []string{issuer}, time.Hour, party.Signer())
		if err != nil {
			return nil, err
		}
		token, err := rp.ClientCredentials(ctx, party, url.Values{
			"client_assertion":      {assertion},
			"client_assertion_type": {oidc.ClientAssertionTypeJWTAssertion},
		})
		if err != nil {
			return nil, err
		}
		return token.Type(), nil
	})

	var tokens *oidc.Tokens[*oidc.IDTokenClaims]
	check("login", func() (any, error) {
		verifier := oauth2.GenerateVerifier()
		address := rp.AuthURL("state-1", party, rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)))
		back, err := login(address)
		if err != nil {
			return nil, err
		}
		assertion, err := client.SignedJWTProfileAssertion("rsa", []string{issuer}, time.Hour, party.Signer())
		if err != nil {
			return nil, err
		}
		tokens, err = rp.CodeExchange[*oidc.IDTokenClaims](ctx, back.Get("code"), party,
			rp.WithCodeVerifier(verifier), rp.WithClientAssertionJWT(assertion))
		if err != nil {
			return nil, err
		}
		return tokens.IDTokenClaims.Subject, nil
	})
	if tokens != nil {
		check("userinfo", func() (any, error) {
			info, err := rp.Userinfo[*oidc.UserInfo](ctx, tokens.AccessToken, tokens.TokenType, "user-1", party)
			if err != nil {
				return nil, err
			}
			return info.Subject, nil
		})
		check("refresh", func() (any, error) {
			next, err := rp.RefreshTokens[*oidc.IDTokenClaims](ctx, party, tokens.RefreshToken, "", "")
			if err != nil {
				return nil, err
			}
			changed := next.RefreshToken != tokens.RefreshToken
			tokens = next
			return changed, nil
		})
		check("revocation", func() (any, error) {
			return "done", rp.RevokeToken(ctx, party, tokens.RefreshToken, "refresh_token")
		})
		check("introspection", func() (any, error) {
			server, err := rs.NewResourceServerJWTProfile(ctx, issuer, "rsa", thumbprint("rsa2048"), key)
			if err != nil {
				return nil, err
			}
			answer, err := rs.Introspect[*oidc.IntrospectionResponse](ctx, server, tokens.AccessToken)
			if err != nil {
				return nil, err
			}
			return answer.Active, nil
		})
	}

	check("device", func() (any, error) {
		waiting, err := rp.DeviceAuthorization(ctx, scopes, party, nil)
		if err != nil {
			return nil, err
		}
		if err := approve(waiting.VerificationURI, waiting.UserCode); err != nil {
			return nil, err
		}
		interval := time.Duration(waiting.Interval) * time.Second
		answer, err := rp.DeviceAccessToken(ctx, waiting.DeviceCode, interval, party)
		if err != nil {
			return nil, err
		}
		return answer.TokenType, nil
	})
}
