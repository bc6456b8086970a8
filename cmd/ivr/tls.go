package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// keyPair is a certificate and its key in two files. They are read again when they have changed: certificates are renewed while we
// serve.
type keyPair struct {
	cert, key string

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time
}

// get returns the certificate as it is now; of files that cannot be read now, the one before.
func (k *keyPair) get() (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.cert)
	if err == nil && k.pair != nil && info.ModTime().Equal(k.changed) {
		return k.pair, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(k.cert, k.key); err == nil {
			k.pair, k.changed = &pair, info.ModTime()
		}
	}
	if k.pair != nil {
		return k.pair, nil
	}
	return nil, err
}

// authorities reads a PEM file of certificates.
func authorities(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("there is no certificate in %s", path)
	}
	return pool, nil
}

// problem is one thing that is wrong with a block of the configuration.
type problem struct{ key, what, instead string }

// keyProblems are those of a certificate and its key.
func keyProblems(cert, key string, path func(string) string) (all []problem) {
	const both = "a certificate and its key belong together: two PEM files"
	switch {
	case cert == "" && key == "":
	case cert == "":
		all = append(all, problem{"key", "there is no cert that it belongs to", both})
	case key == "":
		all = append(all, problem{"cert", "there is no key that belongs to it", both})
	default:
		pair := &keyPair{cert: path(cert), key: path(key)}
		if _, err := pair.get(); err != nil {
			all = append(all, problem{"cert", err.Error(), both})
		}
	}
	return all
}

func caProblems(key, ca string, path func(string) string) (all []problem) {
	if ca == "" {
		return nil
	}
	if _, err := authorities(path(ca)); err != nil {
		all = append(all, problem{key, err.Error(), "name a PEM file with the certificates of the authorities"})
	}
	return all
}

func (c trunkTLSConfig) problems(path func(string) string) []problem {
	return append(keyProblems(c.Cert, c.Key, path), caProblems("ca", c.CA, path)...)
}

func (c serverTLSConfig) problems(path func(string) string) []problem {
	return append(keyProblems(c.Cert, c.Key, path), caProblems("client_ca", c.ClientCA, path)...)
}

// client is for connections of ours to a trunk.
func (c trunkTLSConfig) client(path func(string) string) (*tls.Config, error) {
	conf := &tls.Config{ServerName: c.Name, InsecureSkipVerify: c.Verify != nil && !*c.Verify}
	if c.CA != "" {
		pool, err := authorities(path(c.CA))
		if err != nil {
			return nil, err
		}
		conf.RootCAs = pool
	}
	if c.Cert != "" {
		pair := &keyPair{cert: path(c.Cert), key: path(c.Key)}
		if _, err := pair.get(); err != nil {
			return nil, err
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.get() }
	}
	return conf, nil
}

var errNoCertificate = errors.New("sip.tls: no certificate")

// server is for calls that come to us over TLS.
func (c serverTLSConfig) server(path func(string) string) (*tls.Config, error) {
	if c.Cert == "" {
		return nil, errNoCertificate
	}
	pair := &keyPair{cert: path(c.Cert), key: path(c.Key)}
	if _, err := pair.get(); err != nil {
		return nil, err
	}
	conf := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get() }}
	if c.ClientCA != "" {
		pool, err := authorities(path(c.ClientCA))
		if err != nil {
			return nil, err
		}
		conf.ClientAuth, conf.ClientCAs = tls.RequireAndVerifyClientCert, pool
	}
	return conf, nil
}
