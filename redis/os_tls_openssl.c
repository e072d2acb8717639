/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * By OpenSSL, which reads and writes memory alone: what goes over the socket is
 * sent and received here, so that every wait is poll(2)'s.
 */

#include <config.h>

#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "os_redis.h"
#include "os_socket.h"
#include "os_tls.h"

#define SOME 16384

/* The system's authorities are a hundred and more: to read them takes longer than to connect. */
struct os_tls_store {
	SSL_CTX *context;
	struct stat file[3];
};

struct os_tls {
	SSL *ssl; /* owns both */
	BIO *in;  /* received and not read yet */
	BIO *out; /* written and not sent yet */
};

bool
ipclock__redis_os_tls_built(void)
{
	return true;
}

/* ---- making ---- */

static int
because(const char **reason, const char *clause, int error)
{
	*reason = clause;
	return error;
}

/* A key with a passphrase is not asked for at the terminal. */
static int
no_passphrase(char *to, int size, int writing, void *arg)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int
load(SSL_CTX *context, const struct os_tls_files *files, const char **reason)
{
	const char *key = files->key ? files->key : files->certificate;

	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (!files->authorities && SSL_CTX_set_default_verify_paths(context) != 1)
		return because(reason, "no memory for TLS", ENOMEM);
	if (files->authorities && SSL_CTX_load_verify_locations(context, files->authorities, NULL) != 1)
		return because(reason, "the file of authorities is of no use", EINVAL);
	if (files->certificate && SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
		return because(reason, "the file of the certificate is of no use", EINVAL);
	if (key && SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return because(reason, "the file of the key is of no use, or the key is another's", EINVAL);
	return 0;
}

/* An address is looked for among the certificate's addresses, and is no name to send. */
static bool
expect(SSL *ssl, const char *host)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
		return true;
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool
connect_memory(struct os_tls *t, SSL_CTX *context, const char *host)
{
	t->ssl = SSL_new(context);
	if (!t->ssl)
		return false;
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->in || !t->out) {
		BIO_free(t->in);
		BIO_free(t->out);
		return false;
	}
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_connect_state(t->ssl);
	return expect(t->ssl, host);
}

static void
look_at(struct stat file[3], const struct os_tls_files *files)
{
	const char *by_default = getenv(X509_get_default_cert_file_env());
	const char *path[3] = { files->authorities, files->certificate, files->key };
	int i;

	if (!path[0])
		path[0] = by_default ? by_default : X509_get_default_cert_file();
	memset(file, 0, 3 * sizeof(*file));
	for (i = 0; i < 3; i++)
		if (path[i] && stat(path[i], &file[i]) < 0)
			memset(&file[i], 0, sizeof(file[i]));
}

static bool
have_changed(const struct stat then[3], const struct stat now[3])
{
	int i;

	for (i = 0; i < 3; i++)
		if (then[i].st_dev != now[i].st_dev || then[i].st_ino != now[i].st_ino || then[i].st_size != now[i].st_size ||
		    then[i].st_mtime != now[i].st_mtime)
			return true;
	return false;
}

static int
make_context(SSL_CTX **made, const struct os_tls_files *files, const char **reason)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	int error;

	if (!context)
		return because(reason, "no memory for TLS", ENOMEM);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
	error = load(context, files, reason);
	if (error)
		SSL_CTX_free(context);
	else
		*made = context;
	return error;
}

/* Looked at before they are read: what changes meanwhile is read again. */
static int
read_again(const struct os_tls_files *files, const char **reason)
{
	struct os_tls_store *store = *files->read, now;
	int error;

	look_at(now.file, files);
	if (store && !have_changed(store->file, now.file))
		return 0;
	error = make_context(&now.context, files, reason);
	if (error)
		return error;
	ipclock__redis_os_tls_store_free(store);
	*files->read = store = malloc(sizeof(*store));
	if (!store) {
		SSL_CTX_free(now.context);
		return ENOMEM;
	}
	*store = now;
	return 0;
}

static int
make(struct os_tls *t, const char *host, const struct os_tls_files *files, const char **reason)
{
	int error = read_again(files, reason);

	if (error == 0 && !connect_memory(t, (*files->read)->context, host))
		error = because(reason, "no memory for TLS", ENOMEM);
	ERR_clear_error();
	return error;
}

/* Not to be taken down by exit(3): a thread that renews may be inside. */
int
ipclock__redis_os_tls_make(struct os_tls **tls, const char *host, const struct os_tls_files *files, const char **reason)
{
	struct os_tls *t = calloc(1, sizeof(*t));
	int error = ENOMEM;

	*tls = t;
	*reason = NULL;
	if (!t)
		return ENOMEM;
	ipclock__os_redis_process_lock();
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) == 1)
		error = make(t, host, files, reason);
	if (error) {
		ipclock__redis_os_tls_free(t);
		*tls = NULL;
	}
	ipclock__os_redis_process_unlock();
	return error;
}

void
ipclock__redis_os_tls_free(struct os_tls *tls)
{
	if (tls)
		SSL_free(tls->ssl);
	free(tls);
}

void
ipclock__redis_os_tls_store_free(struct os_tls_store *store)
{
	if (store)
		SSL_CTX_free(store->context);
	free(store);
}

/* ---- talking ---- */

/* What OpenSSL is asked for. */
struct request {
	int (*ask)(SSL *ssl, struct request *request);
	const char *from;
	char *to;
	size_t size;
	size_t done;
};

static int
shake_hands(SSL *ssl, struct request *request)
{
	(void)request;
	return SSL_do_handshake(ssl);
}

static int
write_all(SSL *ssl, struct request *request)
{
	return SSL_write_ex(ssl, request->from, request->size, &request->done);
}

static int
read_some(SSL *ssl, struct request *request)
{
	return SSL_read_ex(ssl, request->to, request->size, &request->done);
}

static int
error_of(SSL *ssl, int failure, const char **reason)
{
	long verified = SSL_get_verify_result(ssl);

	if (failure == SSL_ERROR_ZERO_RETURN)
		return because(reason, "the server closed the connection", ECONNRESET);
	if (verified != X509_V_OK)
		return because(reason, X509_verify_cert_error_string(verified), EACCES);
	return because(reason, ERR_reason_error_string(ERR_peek_error()), EPROTO);
}

/* 0, EAGAIN: it wants to read more, or an error. */
static int
ask(struct os_tls *t, struct request *request, const char **reason)
{
	int failure, error = 0;

	ipclock__os_redis_process_lock();
	ERR_clear_error(); /* or an old one is taken for that of this call */
	failure = SSL_get_error(t->ssl, request->ask(t->ssl, request));
	if (failure == SSL_ERROR_WANT_READ)
		error = EAGAIN;
	else if (failure != SSL_ERROR_NONE)
		error = error_of(t->ssl, failure, reason);
	ERR_clear_error();
	ipclock__os_redis_process_unlock();
	return error;
}

static int
flush(struct os_tls *t, int fd, int64_t until)
{
	char *bytes;
	long length = BIO_get_mem_data(t->out, &bytes);
	int error = length > 0 ? ipclock__redis_os_send(fd, bytes, (size_t)length, until) : 0;

	(void)BIO_reset(t->out);
	return error;
}

/* EAGAIN: nothing came in time. */
static int
fill(struct os_tls *t, int fd, int64_t until)
{
	char bytes[SOME];
	size_t n;
	int error = ipclock__redis_os_receive(fd, bytes, sizeof(bytes), until, &n);

	if (error == 0 && BIO_write(t->in, bytes, (int)n) != (int)n)
		error = ENOMEM;
	return error;
}

/* Our last word, why the server is refused, is sent as well. */
static int
run(struct os_tls *t, int fd, struct request *request, int64_t until, const char **reason)
{
	int error, unsent;

	*reason = NULL;
	do {
		error = ask(t, request, reason);
		unsent = flush(t, fd, until);
		if (unsent && (error == 0 || error == EAGAIN))
			return unsent;
		if (error != EAGAIN)
			return error;
		error = fill(t, fd, until);
	} while (error == 0);
	return error;
}

int
ipclock__redis_os_tls_start(struct os_tls *tls, int fd, int64_t until, const char **reason)
{
	struct request request = { .ask = shake_hands };
	int error = run(tls, fd, &request, until, reason);

	return error == EAGAIN ? because(reason, "the server does not shake hands", ETIMEDOUT) : error;
}

int
ipclock__redis_os_tls_send(struct os_tls *tls, int fd, const char *bytes, size_t length, int64_t until,
    const char **reason)
{
	struct request request = { .ask = write_all, .from = bytes, .size = length };

	return run(tls, fd, &request, until, reason);
}

int
ipclock__redis_os_tls_receive(struct os_tls *tls, int fd, char *bytes, size_t size, int64_t until, size_t *received,
    const char **reason)
{
	struct request request = { .ask = read_some, .to = bytes, .size = size };
	int error = run(tls, fd, &request, until, reason);

	*received = request.done;
	return error;
}
