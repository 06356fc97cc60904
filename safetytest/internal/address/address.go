// Package address knows what can be the base URL of an endpoint, and never repeats one
// that may hold a secret.
package address

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
	"unicode"
)

// Parse returns the address without a closing slash. Its errors never
// repeat an address that may hold a password.
func Parse(s string) (string, error) {
	const example = "write it like http://127.0.0.1:8080/v1"
	if s == "" {
		return "", errors.New("no base URL is given; set SAFETYTEST_BASE_URL, like http://127.0.0.1:8080/v1")
	}
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@") || err == nil && u.User != nil:
		return "", errors.New("the base URL holds a user name or password; give the key in SAFETYTEST_API_KEY instead")
	case strings.ContainsAny(s, "?#"):
		return "", errors.New("the base URL holds a query or fragment; give a query in SAFETYTEST_QUERY instead, and " + example)
	case strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) >= 0:
		return "", errors.New("the base URL holds a control character; " + example)
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("base URL %q is not an http or https address; %s", s, example)
	case u.Hostname() == "":
		return "", fmt.Errorf("base URL %q names no host; %s", s, example)
	}
	s = strings.TrimRight(s, "/")
	if before, found := strings.CutSuffix(s, "/chat/completions"); found {
		return "", fmt.Errorf("base URL %q is the address of a method; write %s", s, before)
	}
	return s, nil
}

// Check reports an address that cannot be one, or that may hold a secret,
// without repeating that.
func Check(s string) error {
	_, err := Parse(s)
	return err
}

// Same says whether two base URLs are one, however they are written.
func Same(a, b string) bool {
	plain := func(text string) string {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return text // refused elsewhere, where no secret is repeated
		}
		host, port := strings.ToLower(u.Hostname()), u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
		}
		if host == "localhost" {
			host = "127.0.0.1"
		}
		return strings.ToLower(u.Scheme) + "://" + net.JoinHostPort(host, port) + path.Clean("/"+u.Path)
	}
	return plain(a) == plain(b)
}

// IsOpenAI says whether a base URL is OpenAI's own host, the only one that is
// ever sent OPENAI_API_KEY.
func IsOpenAI(base string) bool {
	u, err := url.Parse(base)
	return err == nil && u.Scheme == "https" && u.Hostname() == "api.openai.com"
}
