// A server made of zitadel/oidc, with the storage and the login page of its example, and with the
// clients of the test. The user is test-user2 with the password verysecure.
//
//	server CONFIG.json
//
// CONFIG.json:
//
//	{ "clients": [ { "client_id": "...", "jwks": { "keys": [...] } } ] }
//
// Listens on an ephemeral port of 127.0.0.1 and then prints the one line
// `ISSUER http://127.0.0.1:PORT/` on stdout. Ends when its stdin closes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// clients is the example's storage with the clients of the test.
type clients struct {
	*storage.Storage
	keys map[string]jose.JSONWebKeySet
}

// client is one that authenticates by private_key_jwt.
type client struct{ op.Client }

func (client) AuthMethod() oidc.AuthMethod { return oidc.AuthMethodPrivateKeyJWT }

func (client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeClientCredentials, oidc.GrantTypeDeviceCode}
}

func (c clients) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	stored, err := c.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return client{stored}, nil
}

func (c clients) GetKeyByIDAndClientID(_ context.Context, keyID, clientID string) (*jose.JSONWebKey, error) {
	keys := c.keys[clientID]
	if found := keys.Key(keyID); len(found) == 1 {
		return &found[0], nil
	}
	return nil, errors.New("key not found")
}

func (c clients) ClientCredentialsTokenRequest(_ context.Context, clientID string, scopes []string) (op.TokenRequest, error) {
	return &oidc.JWTTokenRequest{Subject: clientID, Audience: []string{clientID}, Scopes: scopes}, nil
}

// server leaves the client credentials grant to clients with a key. The library asks for a secret.
type server struct {
	*op.LegacyServer
	keys op.JWTAuthorizationGrantExchanger
}

func (s server) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	if r.Data.ClientAssertionType == oidc.ClientAssertionTypeJWTAssertion {
		return op.AuthorizePrivateJWTKey(ctx, r.Data.ClientAssertion, s.keys)
	}
	return s.LegacyServer.VerifyClient(ctx, r)
}

func main() {
	document, err := os.ReadFile(os.Args[1])
	check(err)
	var config struct {
		Clients []struct {
			ID   string             `json:"client_id"`
			Keys jose.JSONWebKeySet `json:"jwks"`
		} `json:"clients"`
	}
	check(json.Unmarshal(document, &config))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	issuer := fmt.Sprintf("http://%s/", listener.Addr())
	keys, stored := map[string]jose.JSONWebKeySet{}, map[string]*storage.Client{}
	for _, client := range config.Clients {
		keys[client.ID] = client.Keys
		stored[client.ID] = storage.WebClient(client.ID, "", "https://app.example/cb")
	}
	known := clients{storage.NewStorageWithClients(storage.NewUserStore(issuer), stored), keys}
	settings := &op.Config{AuthMethodPrivateKeyJWT: true, CodeMethodS256: true, GrantTypeRefreshToken: true, DeviceAuthorization: op.DeviceAuthorizationConfig{
		Lifetime: 5 * time.Minute, PollInterval: time.Second, UserFormPath: "/device", UserCode: op.UserCodeBase20,
	}}
	provider, err := op.NewProvider(settings, known, op.StaticIssuer(issuer), op.WithAllowInsecure())
	check(err)
	legacy := server{op.NewLegacyServer(provider, *op.DefaultEndpoints), provider}
	// The pages of the example lead back to its own authorization endpoint, which is /auth.
	pages := exampleop.SetupServer(issuer, known, slog.New(slog.DiscardHandler), true,
		op.WithCustomAuthEndpoint(op.DefaultEndpoints.Authorization))
	mux := http.NewServeMux()
	mux.Handle("/login/", pages)
	mux.Handle("/", op.RegisterLegacyServer(legacy, op.AuthorizeCallbackHandler(provider)))
	go func() { check(http.Serve(listener, mux)) }()
	fmt.Println("ISSUER", issuer)
	io.Copy(io.Discard, os.Stdin)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
