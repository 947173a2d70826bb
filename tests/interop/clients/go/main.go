// Foreign clients in Go: run with the name of one, it tries that one and prints a line for each check.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const redirectURI = "http://127.0.0.1/callback"

var issuer = os.Getenv("ISSUER")

var clients = map[string]func(){
	"zitadel": zitadel,
	"xoauth2": xoauth2,
	"msal":    msal,
}

func main() {
	client, known := clients[os.Args[1]]
	if !known {
		fmt.Fprintf(os.Stderr, "no client %q\n", os.Args[1])
		os.Exit(2)
	}
	client()
}

// check prints the check and what it brought, or why it failed; the next check runs all the same.
func check(name string, run func() (any, error)) {
	brought, err := run()
	if err != nil {
		text := strings.ReplaceAll(err.Error(), "\n", " ")
		fmt.Printf("%s: FAILED %.400s\n", name, text)
		return
	}
	fmt.Printf("%s: %v\n", name, brought)
}

func pem(name string) []byte {
	bytes, err := os.ReadFile(filepath.Join(os.Getenv("KEYS"), name+".pem"))
	if err != nil {
		panic(err)
	}
	return bytes
}

// login opens the authorization endpoint; the server has been told who the user is and redirects at once.
func login(address string) (url.Values, error) {
	http := http.Client{
		Transport:     http.DefaultTransport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := http.Get(address)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	location, err := response.Location()
	if err != nil {
		body, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("no redirect: %s %s", response.Status, body)
	}
	return location.Query(), nil
}

// approve says yes to a device, as a user would at the page.
func approve(verificationURI, userCode string) error {
	form := url.Values{"user_code": {userCode}, "decision": {"approve"}, "subject": {"user-1"}}
	response, err := http.PostForm(verificationURI, form)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not approved: %s", response.Status)
	}
	return nil
}
