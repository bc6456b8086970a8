package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a key pair for name into one PEM file, last changed at a time.
func writePair(t *testing.T, path, name string, changed time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, changed, changed); err != nil {
		t.Fatal(err)
	}
}

func TestARenewedCertificateIsShownWithoutARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pair.pem")
	now := time.Now()
	pair := &keyPair{cert: path, key: path}
	shows := func(want string) {
		t.Helper()
		c, err := pair.get()
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil || leaf.Subject.CommonName != want {
			t.Errorf("it shows %v, want %s (%v)", leaf.Subject, want, err)
		}
	}
	if _, err := pair.get(); err == nil {
		t.Error("a certificate of no file")
	}
	writePair(t, path, "old", now)
	shows("old")
	writePair(t, path, "new", now.Add(time.Minute))
	shows("new")
	if err := os.WriteFile(path, []byte("half a renewal"), 0o600); err != nil {
		t.Fatal(err)
	}
	shows("new")
}

func TestMutualTLSWantsTheCertificateOfACaller(t *testing.T) {
	folder := t.TempDir()
	path := func(p string) string { return filepath.Join(folder, p) }
	writePair(t, path("pair.pem"), "ivr", time.Now())
	conf, err := serverTLSConfig{Cert: "pair.pem", Key: "pair.pem", ClientCA: "pair.pem"}.server(path)
	if err != nil || conf.ClientCAs == nil || conf.ClientAuth.String() != "RequireAndVerifyClientCert" {
		t.Errorf("%+v %v", conf, err)
	}
	if err := os.WriteFile(path("empty.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	problems := serverTLSConfig{Cert: "pair.pem", Key: "pair.pem", ClientCA: "empty.pem"}.problems(path)
	if len(problems) != 1 || problems[0].key != "client_ca" || !strings.Contains(problems[0].what, "no certificate") {
		t.Errorf("%+v", problems)
	}
}
