package chat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
)

// unanswered classifies a transport error. dialling says that no connection was
// had when it came.
func unanswered(err error, dialling bool) *Error {
	e := &Error{Kind: Interrupted, cause: err}
	if strings.Contains(err.Error(), "malformed") {
		// net/http quotes what it could not read, which may be a reply.
		e.cause, e.Message = nil, "the answer is not HTTP"
		if dialling { // it is a proxy's
			e.Kind, e.before = Unreachable, true
		}
		return e
	}
	var (
		timeout interface{ Timeout() bool }
		dial    *net.OpError
		dns     *net.DNSError
	)
	switch {
	case errors.Is(err, context.Canceled):
		e.Kind = Cancelled
	case dialling, errors.As(err, &dns), certificate(err) != "",
		errors.Is(err, http.ErrSchemeMismatch), // the handshake's
		errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect"):
		e.Kind, e.before = Unreachable, true
		e.remedy = certificate(err)
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Kind = TimedOut
	}
	return e
}

// certificate returns what to do about an error of a server's certificate, "" for
// any other error.
func certificate(err error) string {
	var (
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &host):
		return "the server's certificate is for another name: write that name in SAFETYTEST_BASE_URL"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired, or this machine's clock is wrong"
	case errors.As(err, &unknown):
		return "the server's certificate is signed by an authority that this machine does not know: name the file with the authority's certificate in SAFETYTEST_CA_FILE, or in SSL_CERT_FILE"
	case errors.As(err, &cert), errors.As(err, &invalid):
		return "the server's certificate cannot be verified: if a private authority signed it, name the authority's certificate in SAFETYTEST_CA_FILE, or in SSL_CERT_FILE"
	}
	return ""
}
