package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"golang.org/x/oauth2"
)

// MSAL takes https alone: the server's certificate is in CA.
func msal() {
	ctx := context.Background()
	authorities := x509.NewCertPool()
	ca, err := os.ReadFile(os.Getenv("CA"))
	if err != nil || !authorities.AppendCertsFromPEM(ca) {
		panic(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}}
	http.DefaultTransport = transport

	certificates, key, err := confidential.CertFromPEM(append(pem("rsa2048.cert"), pem("rsa2048.pkcs8")...), "")
	if err != nil {
		panic(err)
	}
	credential, err := confidential.NewCredFromCert(certificates, key)
	if err != nil {
		panic(err)
	}
	for _, it := range []struct {
		name    string
		options []confidential.Option
	}{
		{"x5t#S256", nil},
		{"x5t#S256 and x5c", []confidential.Option{confidential.WithX5C()}},
	} {
		options := append(it.options, confidential.WithInstanceDiscovery(false),
			confidential.WithHTTPClient(&http.Client{Transport: transport}))
		application, err := confidential.New(issuer, "certificate", credential, options...)
		if err != nil {
			panic(err)
		}
		check(it.name+" client credentials", func() (any, error) {
			result, err := application.AcquireTokenByCredential(ctx, []string{"api:read"})
			if err != nil {
				return nil, err
			}
			return strings.Join(result.GrantedScopes, " "), nil
		})
		check(it.name+" client credentials from the cache", func() (any, error) {
			result, err := application.AcquireTokenByCredential(ctx, []string{"api:read"})
			if err != nil {
				return nil, err
			}
			return result.Metadata.TokenSource == confidential.TokenSourceCache, nil
		})
		check(it.name+" login", func() (any, error) {
			address, err := application.AuthCodeURL(ctx, "certificate", redirectURI, []string{"api:read"})
			if err != nil {
				return nil, err
			}
			verifier := oauth2.GenerateVerifier()
			challenge := oauth2.S256ChallengeFromVerifier(verifier)
			back, err := login(address + "&code_challenge_method=S256&code_challenge=" + challenge)
			if err != nil {
				return nil, err
			}
			result, err := application.AcquireTokenByAuthCode(ctx, back.Get("code"), redirectURI,
				[]string{"api:read"}, confidential.WithChallenge(verifier))
			if err != nil {
				return nil, err
			}
			// Without `openid` at the authorization endpoint there is no ID token.
			return result.AccessToken != "", nil
		})
	}
}
