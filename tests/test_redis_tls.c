/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * libipclock-redis by TLS.  The server has a plain port as well, by which the test asks it; its certificates are made
 * by tests/redis_certificates.sh.
 */

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include <hiredis/hiredis.h>

#include "redis_server.h"
#include "support.h"

#define SHORT_MS  300
#define FORKS     50
#define LISTENERS 120 /* so many that a list of them takes several records of TLS */

static int tls_ports[2];
/* The file of a certificate or key; valid for ever. */
static const char *
file(const char *name)
{
	return test_file(name);
}

static void
make_certificates(void)
{
	const char *top = getenv("top_srcdir");
	char command[1000];

	snprintf(command, sizeof(command), "sh '%s/tests/redis_certificates.sh' '%s' >'%s' 2>&1", top ? top : ".", test_dir,
	    file("openssl.log"));
	ck_assert_msg(system(command) == 0, "openssl: see %s", file("openssl.log"));
}

/* With the certificate of that name; asks: clients must have one, too. */
static void
start_number(int i, const char *name, int asks, int clustered)
{
	char port[16], certificate[80], key[80];

	snprintf(certificate, sizeof(certificate), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	tls_ports[i] = free_port();
	snprintf(port, sizeof(port), "%d", tls_ports[i]);
	other_start(i, (const char *const[]){ "--tls-port", port, "--tls-cert-file", file(certificate), "--tls-key-file",
	    file(key), "--tls-ca-cert-file", file("ca.crt"), "--tls-auth-clients", asks ? "yes" : "no",
	    "--cluster-enabled", clustered ? "yes" : "no", "--tls-cluster", clustered ? "yes" : "no", NULL });
}

static void
start_server(const char *name, int asks)
{
	make_certificates();
	start_number(0, name, asks, 0);
}

static const char *
url_of(const char *host, int i)
{
	static char urls[2][100];

	snprintf(urls[i], sizeof(urls[i]), "rediss://%s:%d", host, tls_ports[i]);
	return urls[i];
}

static const char *
tls_url(const char *host)
{
	return url_of(host, 0);
}

static struct ipclock_redis_attr *
options(const char *ca, const char *certificate, const char *key, int ms)
{
	struct ipclock_redis_attr *attr;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, NO_END), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, ms, ms), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_tls(attr, ca, certificate, key), 0);
	return attr;
}

/* Takes attr over. */
static int
try_open(struct ipclock_redis **r, const char *url, const char *name, struct ipclock_redis_attr *attr)
{
	int error = ipclock_redis_open(r, url, name, attr);

	ipclock_redis_attr_free(attr);
	return error;
}

static struct ipclock_redis *
open_url(const char *url, const char *name, struct ipclock_redis_attr *attr)
{
	struct ipclock_redis *r;
	int error = try_open(&r, url, name, attr ? attr : options(file("ca.crt"), NULL, NULL, LONG_MS));

	ck_assert_msg(error == 0, "%d: %s", error, ipclock_redis_message(NULL));
	return r;
}

static struct ipclock_redis *
open_tls(const char *name, struct ipclock_redis_attr *attr)
{
	return open_url(tls_url("localhost"), name, attr);
}

/* It is refused so, and the message says why. */
static void
refuses(const char *url, struct ipclock_redis_attr *attr, int expected, const char *why)
{
	struct ipclock_redis *r;
	int error = try_open(&r, url, "lock", attr);

	ck_assert_msg(error == expected && strstr(ipclock_redis_message(NULL), why), "%d: %s", error,
	    ipclock_redis_message(NULL));
	ck_assert_ptr_null(r);
}

/* ---- the lock ---- */

START_TEST(A_lock_and_release)
{
	struct ipclock_redis *r, *other;
	uint64_t first;

	start_server("name", 0);
	r = open_tls("lock", NULL);
	other = open_tls("lock", NULL);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	first = token_of(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_renew(r), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_read(other, 0), 0);
	ck_assert(token_of(other) > first);
	ck_assert_int_eq(ipclock_redis_close(other), 0);
	ck_assert_int_eq(ipclock_redis_close(r), 0);
}
END_TEST

/* Sent in several records. */
START_TEST(A_a_long_name)
{
	static char name[65537];
	struct ipclock_redis *r;

	memset(name, 'x', sizeof(name) - 1);
	start_server("name", 0);
	r = open_tls(name, NULL);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(r);
}
END_TEST

/* Nothing but the server's word makes it ask in time. */
START_TEST(D_woken_through_pollfd)
{
	struct ipclock_redis_attr *attr = NULL;
	struct ipclock_redis *holder, *waiter;
	struct pollfd p = { .events = POLLIN };
	int error, wait_ms, released = 0;

	start_server("name", 0);
	holder = open_tls("lock", NULL);
	attr = options(file("ca.crt"), NULL, NULL, LONG_MS);
	ck_assert_int_eq(ipclock_redis_attr_set_backoff(attr, NO_END, NO_END), 0);
	waiter = open_tls("lock", attr);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	error = ipclock_redis_start_write(waiter, -1);
	while (error == EINPROGRESS) {
		p.fd = ipclock_redis_pollfd(waiter);
		ck_assert_int_ge(p.fd, 0);
		ck_assert_int_ge(poll(&p, 1, released ? LONG_MS : 0), released);
		error = ipclock_redis_step(waiter, &wait_ms);
		if (!released && wait_ms > LONG_MS && other_number(0, "PUBSUB NUMPAT") == 0 &&
		    strstr(other_do(0, "PUBSUB CHANNELS"), "wake")) {
			ck_assert_int_eq(ipclock_redis_release(holder), 0);
			released = 1;
		}
	}
	ck_assert_int_eq(error, 0);
	ipclock_redis_close(waiter);
	ipclock_redis_close(holder);
}
END_TEST

static int
wait_for_it(void *r)
{
	return ipclock_redis_acquire_write(r, -1);
}

START_TEST(D_woken_in_a_call)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *holder, *waiter;
	struct thread t;

	start_server("name", 0);
	holder = open_tls("lock", NULL);
	attr = options(file("ca.crt"), NULL, NULL, LONG_MS);
	ck_assert_int_eq(ipclock_redis_attr_set_backoff(attr, NO_END, NO_END), 0);
	waiter = open_tls("lock", attr);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	thread_start(&t, wait_for_it, waiter);
	while (!strstr(other_do(0, "PUBSUB CHANNELS"), "wake"))
		nap_ms(1);
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	ck_assert_int_eq(thread_join(&t), 0);
	ipclock_redis_close(waiter);
	ipclock_redis_close(holder);
}
END_TEST

/* ---- answers of several records ---- */

static int
has_pinged(void *arg)
{
	(void)arg;
	return strstr(other_do(0, "INFO commandstats"), "cmdstat_publish:") != NULL;
}

static void
listen_often(redisContext **listeners)
{
	redisReply *reply;
	int i;

	for (i = 0; i < LISTENERS; i++) {
		listeners[i] = redisConnect("127.0.0.1", other_port(0));
		ck_assert(listeners[i] && !listeners[i]->err);
		reply = redisCommand(listeners[i], "SUBSCRIBE channel%d", i);
		ck_assert_ptr_nonnull(reply);
		freeReplyObject(reply);
	}
}

static struct ipclock_redis *
open_channel(void)
{
	struct ipclock_redis_attr *attr = options(file("ca.crt"), NULL, NULL, LONG_MS);

	ck_assert_int_eq(ipclock_redis_attr_set_protocol(attr, IPCLOCK_REDIS_PORTALOCKER), 0);
	return open_tls("c", attr);
}

/* Who waits by this protocol asks for a list of all who listen. */
START_TEST(D_a_long_answer)
{
	redisContext *listeners[LISTENERS];
	struct ipclock_redis *holder, *waiter;
	struct thread t;
	int i;

	start_server("name", 0);
	listen_often(listeners);
	holder = open_channel();
	waiter = open_channel();
	ck_assert_int_eq(ipclock_redis_start_renewing(holder), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	thread_start(&t, wait_for_it, waiter);
	await(has_pinged, NULL, "a ping");
	ck_assert_uint_gt(strlen(other_do(0, "CLIENT LIST TYPE pubsub")), 20000);
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	ck_assert_int_eq(thread_join(&t), 0);
	ipclock_redis_close(waiter);
	ipclock_redis_close(holder);
	for (i = 0; i < LISTENERS; i++)
		redisFree(listeners[i]);
}
END_TEST

static void
hears(redisContext *listener, const char *channel)
{
	redisReply *reply = NULL;

	ck_assert_int_eq(redisGetReply(listener, (void **)&reply), REDIS_OK);
	ck_assert_int_eq(reply->type, REDIS_REPLY_ARRAY);
	ck_assert_str_eq(reply->element[1]->str, channel);
	freeReplyObject(reply);
}

/* One call finds two messages, each a record of its own: poll(2) tells nothing of the second when the first is read. */
START_TEST(D_two_messages_at_once)
{
	const char *const ping = "{\"response_channel\": \"answer%d\", \"message\": \"ping\"}";
	redisContext *listener;
	struct ipclock_redis *holder;
	char text[100];
	uint64_t token;
	int i;

	start_server("name", 0);
	holder = open_channel();
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	listener = redisConnect("127.0.0.1", other_port(0));
	ck_assert_int_eq(redisSetTimeout(listener, (struct timeval){ .tv_sec = LONG_MS / 1000 }), REDIS_OK);
	freeReplyObject(redisCommand(listener, "SUBSCRIBE answer1 answer2"));
	hears(listener, "answer2");
	for (i = 1; i <= 2; i++) {
		snprintf(text, sizeof(text), ping, i);
		ck_assert_int_eq(other_number(0, "PUBLISH c %s", text), 1);
	}
	ck_assert_int_eq(ipclock_redis_token(holder, &token), ENOTSUP); /* which looks, as all calls do */
	hears(listener, "answer1");
	hears(listener, "answer2");
	redisFree(listener);
	ipclock_redis_close(holder);
}
END_TEST

/* ---- who it is ---- */

START_TEST(no_letter_the_authority_must_be_known)
{
	start_server("name", 0);
	refuses(tls_url("localhost"), options(file("stranger.crt"), NULL, NULL, LONG_MS), EACCES, "certificate");
	refuses(tls_url("localhost"), options(NULL, NULL, NULL, LONG_MS), EACCES, "certificate");
	refuses(tls_url("localhost"), NULL, EACCES, "certificate");
	refuses(tls_url("localhost"), options(file("none.crt"), NULL, NULL, LONG_MS), EINVAL, "authorities");
	setenv("SSL_CERT_FILE", file("ca.crt"), 1);
	ipclock_redis_close(open_tls("lock", options(NULL, NULL, NULL, LONG_MS)));
	refuses(tls_url("localhost"), options(file("stranger.crt"), NULL, NULL, LONG_MS), EACCES, "certificate");
}
END_TEST

static void
copy(const char *from, const char *to)
{
	char command[1000];

	snprintf(command, sizeof(command), "cp '%s' '%s'", file(from), file(to));
	ck_assert_int_eq(system(command), 0);
}

/* In its place, as long as before, and as old as it was, or not. */
static void
spoil(const char *path, time_t age)
{
	struct stat st;
	FILE *f = fopen(path, "r+");

	ck_assert(f && stat(path, &st) == 0 && fputs("-----BEGUN", f) >= 0 && fclose(f) == 0);
	ck_assert_int_eq(utime(path, &(struct utimbuf){ st.st_mtime, st.st_mtime - age }), 0);
}

static int
acquires_anew(struct ipclock_redis *r)
{
	other_do(0, "CLIENT KILL TYPE normal");
	return ipclock_redis_acquire_write(r, 0) || ipclock_redis_release(r);
}

/* For a new connection of the same handle they are read again when they have changed, and only then. */
START_TEST(no_letter_files_that_change)
{
	struct ipclock_redis *r;

	start_server("name", 0);
	copy("ca.crt", "trusted.crt");
	r = open_tls("lock", options(file("trusted.crt"), NULL, NULL, LONG_MS));
	spoil(file("trusted.crt"), 0);
	ck_assert_int_eq(acquires_anew(r), 0);
	spoil(file("trusted.crt"), 10);
	ck_assert_int_ne(acquires_anew(r), 0);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(r), "authorities"));
	copy("stranger.crt", "trusted.crt");
	ck_assert_int_ne(acquires_anew(r), 0);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(r), "certificate"));
	copy("ca.crt", "other.crt");
	ck_assert_int_eq(rename(file("other.crt"), file("trusted.crt")), 0);
	ck_assert_int_eq(acquires_anew(r), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(no_letter_the_name_must_be_the_certificates)
{
	start_server("name", 0);
	refuses(tls_url("127.0.0.1"), options(file("ca.crt"), NULL, NULL, LONG_MS), EACCES, "mismatch");
	ipclock_redis_close(open_tls("lock", NULL));
}
END_TEST

START_TEST(no_letter_so_must_an_address)
{
	struct ipclock_redis *r;

	start_server("address", 0);
	refuses(tls_url("localhost"), options(file("ca.crt"), NULL, NULL, LONG_MS), EACCES, "mismatch");
	ck_assert_int_eq(try_open(&r, tls_url("127.0.0.1"), "lock", options(file("ca.crt"), NULL, NULL, LONG_MS)), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(no_letter_it_must_not_be_over)
{
	start_server("expired", 0);
	refuses(tls_url("localhost"), options(file("ca.crt"), NULL, NULL, LONG_MS), EACCES, "expired");
}
END_TEST

START_TEST(no_letter_the_server_may_ask_the_same)
{
	struct ipclock_redis *r;
	int error;

	start_server("name", 1);
	ipclock_redis_close(open_tls("lock", options(file("ca.crt"), file("client.crt"), file("client.key"), LONG_MS)));
	ipclock_redis_close(open_tls("lock", options(file("ca.crt"), file("both.pem"), NULL, LONG_MS)));
	error = try_open(&r, tls_url("localhost"), "lock", options(file("ca.crt"), NULL, NULL, LONG_MS));
	ck_assert(error == EPROTO || error == ECONNRESET); /* it may be gone before we have read why */
	refuses(tls_url("localhost"), options(file("ca.crt"), file("client.crt"), file("name.key"), LONG_MS), EINVAL, "key");
	refuses(tls_url("localhost"), options(file("ca.crt"), file("client.key"), NULL, LONG_MS), EINVAL, "certificate");
}
END_TEST

/* ---- several servers ---- */

/* The first is not to be trusted, the second a replica, and then the primary; plain ports do not follow in a list. */
START_TEST(B_a_list_of_servers)
{
	struct ipclock_redis *r, *other;
	int replica = 1;
	char list[300];

	make_certificates();
	start_number(0, "name", 0, 0);
	start_number(1, "name", 0, 0);
	other_follow(replica, 0);
	snprintf(list, sizeof(list), "rediss://127.0.0.1:%d,%s,%s", tls_ports[0], url_of("localhost", 1),
	    url_of("localhost", 0));
	r = open_url(list, "lock", NULL);
	other = open_url(list, "lock", NULL);
	hold_watched(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), EBUSY);
	other_kill(0, SIGKILL);
	ck_assert_str_eq(other_do(1, "REPLICAOF NO ONE"), "OK");
	await_count(&losses, 1, "the loss to be told");
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, LONG_MS), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ipclock_redis_close(other);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ipclock_redis_close(r);
}
END_TEST

/* The address to which a node sends us is checked like any. */
static void
sent_by(int owner, const char *certificate, int expected)
{
	struct ipclock_redis *sent = open_url(url_of("127.0.0.1", !owner), "lock", NULL), *there;

	ck_assert_msg(ipclock_redis_acquire_write(sent, LONG_MS) == expected, "%s: %s", certificate,
	    ipclock_redis_message(sent));
	if (expected == 0) {
		there = open_url(url_of("127.0.0.1", owner), "lock", NULL);
		ck_assert_int_eq(ipclock_redis_acquire_write(there, 0), EBUSY);
		ck_assert_int_eq(ipclock_redis_renew(sent), 0);
		ipclock_redis_close(there);
	}
	ipclock_redis_close(sent);
}

static void
start_nodes(void)
{
	make_certificates();
	start_number(0, "address", 0, 1);
	start_number(1, "address", 0, 1);
}

START_TEST(A_a_cluster)
{
	int owner;

	start_nodes();
	owner = cluster_of_two();
	sent_by(owner, "address", 0);
	ck_assert_str_eq(other_do(owner, "CONFIG SET tls-cert-file %s tls-key-file %s", file("name.crt"), file("name.key")),
	    "OK");
	sent_by(owner, "name", EAGAIN);
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(E_the_wrong_port)
{
	struct ipclock_redis *r;
	char plain[60], tls[60];
	int error;

	start_server("name", 0);
	snprintf(plain, sizeof(plain), "redis://localhost:%d", tls_ports[0]);
	snprintf(tls, sizeof(tls), "rediss://localhost:%d", other_port(0));
	error = try_open(&r, plain, "lock", options(NULL, NULL, NULL, SHORT_MS));
	ck_assert(error == EPROTO || error == ECONNRESET || error == ETIMEDOUT);
	error = try_open(&r, tls, "lock", options(file("ca.crt"), NULL, NULL, SHORT_MS));
	ck_assert(error == EPROTO || error == ECONNRESET || error == ETIMEDOUT);
}
END_TEST

/* The kernel takes the connection, and then nobody is there. */
START_TEST(E_a_server_that_does_not_shake_hands)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;

	start_server("name", 0);
	r = open_tls("lock", options(file("ca.crt"), NULL, NULL, NO_END));
	other_do(0, "CLIENT KILL TYPE normal");
	attr = options(file("ca.crt"), NULL, NULL, SHORT_MS);
	other_kill(0, SIGSTOP);
	refuses(tls_url("localhost"), attr, ETIMEDOUT, "shake hands");
	ck_assert_int_eq(ipclock_redis_acquire_write(r, SHORT_MS), ETIMEDOUT);
	other_kill(0, SIGCONT);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, LONG_MS), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(E_a_server_that_does_not_answer)
{
	struct ipclock_redis *r;

	start_server("name", 0);
	r = open_tls("lock", options(file("ca.crt"), NULL, NULL, NO_END));
	other_kill(0, SIGSTOP);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, SHORT_MS), ETIMEDOUT);
	other_kill(0, SIGCONT);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, LONG_MS), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(B_the_thread_hears_of_the_end)
{
	struct ipclock_redis *r;

	start_server("name", 0);
	r = open_tls("lock", NULL);
	hold_watched(r);
	other_kill(0, SIGKILL);
	await_count(&losses, 1, "the callback");
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), ECONNREFUSED);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(B_so_does_a_call)
{
	struct ipclock_redis *r;

	start_server("name", 0);
	r = open_tls("lock", NULL);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	other_do(0, "CLIENT KILL TYPE normal");
	ck_assert_int_eq(ipclock_redis_release(r), ESTALE);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, LONG_MS), 0);
	ipclock_redis_close(r);
}
END_TEST

/* ---- forks ---- */

/* The child says nothing by its parent's connection: not even that it is closed. */
START_TEST(C_fork)
{
	struct ipclock_redis *r;

	start_server("name", 0);
	r = open_tls("lock", NULL);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(in_child(child_of_a_holder, r), 0);
	ck_assert_int_eq(ipclock_redis_renew(r), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(r);
}
END_TEST

static atomic_int rounds;
static atomic_int enough;

/* At work in OpenSSL all the time. */
static int
work(void *arg)
{
	struct ipclock_redis *r;
	int error = 0;

	(void)arg;
	while (error == 0 && !atomic_load(&enough)) {
		r = open_url(url_of("127.0.0.1", 0), "other", NULL);
		error = ipclock_redis_acquire_write(r, LONG_MS);
		ipclock_redis_close(r);
		atomic_fetch_add(&rounds, 1);
	}
	return error;
}

/* A child may be made while other threads are inside of calls.  By an address: glibc's resolver is not made for that. */
START_TEST(C_fork_beside_threads)
{
	struct ipclock_redis *r;
	struct thread t[2];
	int i;

	start_server("address", 0);
	r = open_url(url_of("127.0.0.1", 0), "lock", NULL);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	for (i = 0; i < 2; i++)
		thread_start(&t[i], work, NULL);
	await_count(&rounds, 2, "threads at work");
	for (i = 0; i < FORKS; i++)
		ck_assert_int_eq(in_child(child_of_a_holder, r), 0);
	atomic_store(&enough, 1);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(thread_join(&t[i]), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(no_letter_options)
{
	struct ipclock_redis_attr *attr;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_tls(attr, "a", "b", "c"), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_tls(attr, NULL, "b", NULL), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_tls(attr, NULL, NULL, NULL), 0);
	ipclock_redis_attr_free(attr);
}
END_TEST

/* ---- without TLS ---- */

static int
built(void)
{
	struct ipclock_redis_attr *attr;
	int error;

	if (ipclock_redis_attr_new(&attr) != 0)
		return 1;
	error = ipclock_redis_attr_set_tls(attr, NULL, NULL, NULL);
	ipclock_redis_attr_free(attr);
	return error != ENOTSUP;
}

START_TEST(no_letter_not_built_in)
{
	refuses("rediss://localhost", NULL, ENOTSUP, "without TLS");
	refuses("redis://localhost:1 rediss://localhost", NULL, ENOTSUP, "without TLS");
}
END_TEST

static int
speaks_tls(void)
{
	const char *program = getenv("REDIS_SERVER");
	char command[400];

	snprintf(command, sizeof(command), "'%s' --port 0 --tls-port x 2>&1 | grep -q integer",
	    program && *program ? program : "redis-server");
	return system("command -v openssl >/dev/null 2>&1") == 0 && system(command) == 0;
}

/* Not in a new chroot. */
static int
localhost_resolves(void)
{
	struct addrinfo *list;

	if (getaddrinfo("localhost", NULL, NULL, &list) != 0)
		return 0;
	freeaddrinfo(list);
	return 1;
}

static void
add(TCase *t)
{
	if (!built()) {
		tcase_add_test(t, no_letter_not_built_in);
		test_skip("libipclock-redis by TLS: built without");
		return;
	}
	tcase_add_test(t, no_letter_options);
	if (!server_there() || !speaks_tls()) {
		test_skip("libipclock-redis by TLS: no redis-server with TLS here, or no openssl(1)");
		return;
	}
	if (!localhost_resolves()) {
		test_skip("libipclock-redis by TLS: localhost has no address here");
		return;
	}
	tcase_add_checked_fixture(t, NULL, server_end);
	tcase_add_test(t, A_lock_and_release);
	tcase_add_test(t, A_a_long_name);
	tcase_add_test(t, D_woken_through_pollfd);
	tcase_add_test(t, D_woken_in_a_call);
	tcase_add_test(t, D_a_long_answer);
	tcase_add_test(t, D_two_messages_at_once);
	tcase_add_test(t, no_letter_the_authority_must_be_known);
	tcase_add_test(t, no_letter_files_that_change);
	tcase_add_test(t, no_letter_the_name_must_be_the_certificates);
	tcase_add_test(t, no_letter_so_must_an_address);
	tcase_add_test(t, no_letter_it_must_not_be_over);
	tcase_add_test(t, no_letter_the_server_may_ask_the_same);
	tcase_add_test(t, B_a_list_of_servers);
	tcase_add_test(t, A_a_cluster);
	tcase_add_test(t, E_the_wrong_port);
	tcase_add_test(t, E_a_server_that_does_not_shake_hands);
	tcase_add_test(t, E_a_server_that_does_not_answer);
	tcase_add_test(t, B_the_thread_hears_of_the_end);
	tcase_add_test(t, B_so_does_a_call);
	tcase_add_test(t, C_fork);
	tcase_add_test(t, C_fork_beside_threads);
}

int
main(void)
{
	return test_main("redis_tls", add);
}
