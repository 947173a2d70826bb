// Ory Hydra with its database in memory, and with the clients of the test.
//
//	server CONFIG.json
//
// CONFIG.json:
//
//	{ "clients": [ { "client_id": "...", "jwks": { "keys": [...] } or "jwks_uri": "http://...",
//	                 "token_endpoint_auth_signing_alg": "ES256" } ] }
//
// Listens on two free ports of 127.0.0.1, registers the clients at its administrative API, and then
// prints the one line `ISSUER http://127.0.0.1:PORT` on stdout. Ends when its stdin closes.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ory/hydra/v2/cmd"
)

func main() {
	// Hydra prints a banner.
	stdout := os.Stdout
	os.Stdout = os.Stderr
	document, err := os.ReadFile(os.Args[1])
	check(err)
	var config struct {
		Clients []map[string]any `json:"clients"`
	}
	check(json.Unmarshal(document, &config))
	public, admin := freePort(), freePort()
	issuer, api := fmt.Sprintf("http://127.0.0.1:%d", public), fmt.Sprintf("http://127.0.0.1:%d", admin)
	for name, value := range map[string]string{
		"DSN":                     "memory",
		"LOG_LEVEL":               "panic",
		"SECRETS_SYSTEM":          "a secret of the interop tests",
		"SERVE_PUBLIC_HOST":       "127.0.0.1",
		"SERVE_PUBLIC_PORT":       fmt.Sprint(public),
		"SERVE_ADMIN_HOST":        "127.0.0.1",
		"SERVE_ADMIN_PORT":        fmt.Sprint(admin),
		"STRATEGIES_ACCESS_TOKEN": "jwt",
		"URLS_SELF_ISSUER":        issuer,
	} {
		check(os.Setenv(name, value))
	}
	hydra := cmd.NewRootCmd(nil, nil, nil)
	hydra.SetArgs([]string{"serve", "all", "--dev", "--sqa-opt-out"})
	hydra.SetOut(os.Stderr)
	go func() { check(hydra.Execute()) }()
	wait(api + "/health/ready")
	for _, client := range config.Clients {
		client["token_endpoint_auth_method"] = "private_key_jwt"
		client["grant_types"] = []string{"client_credentials"}
		client["scope"] = "api:read"
		body, err := json.Marshal(client)
		check(err)
		answer, err := http.Post(api+"/admin/clients", "application/json", bytes.NewReader(body))
		check(err)
		if answer.StatusCode != http.StatusCreated {
			text, _ := io.ReadAll(answer.Body)
			log.Fatalf("not registered: %s: %s", body, text)
		}
		answer.Body.Close()
	}
	// Hydra makes its keys when a token or the JWKS needs them, and two at once where both do.
	wait(issuer + "/.well-known/jwks.json")
	fmt.Fprintln(stdout, "ISSUER", issuer)
	io.Copy(io.Discard, os.Stdin)
}

// freePort returns a port that was free a moment ago. Hydra does not tell which one it got.
func freePort() int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func wait(url string) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get(url); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
	}
	log.Fatal("Hydra did not start")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
