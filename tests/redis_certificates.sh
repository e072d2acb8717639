#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# redis_certificates.sh DIRECTORY: makes there, for tests of TLS, two authorities, ca and stranger, and of the first the
# certificates name (of localhost), address (of 127.0.0.1), expired and client; NAME.crt and NAME.key each.
set -eu
cd "$1"
cat >ca.conf <<'EOF'
[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
[ca]
default_ca = us
[us]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
EOF
: >index.txt

# key NAME ARGUMENT...
key() {
	name=$1
	shift
	openssl req -config ca.conf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
	    -keyout "$name.key" "$@"
}

# certificate NAME WHOSE LAST-DAY
certificate() {
	key "$1" -out "$1.csr" -addext "subjectAltName = $2"
	openssl ca -batch -notext -config ca.conf -cert ca.crt -keyfile ca.key -in "$1.csr" -out "$1.crt" \
	    -startdate 20200101000000Z -enddate "${3}000000Z"
}

key ca -x509 -days 3650 -out ca.crt
key stranger -x509 -days 3650 -out stranger.crt
certificate name DNS:localhost 20991231
certificate address IP:127.0.0.1 20991231
certificate expired DNS:localhost 20200102
certificate client DNS:client 20991231
cat client.crt client.key >both.pem
