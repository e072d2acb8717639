/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "redis_fake.h"
#include "support.h"

enum { MOST_CLIENTS = 16, MOST_WORDS = 24, MOST_BYTES = 1 << 17 };

static struct client {
	int fd; /* 0: none */
	size_t length;
	char bytes[MOST_BYTES];
} clients[MOST_CLIENTS];

static struct fake *fake;
static atomic_long count;
static size_t odd_length;
static int door, bell[2], turn;
static struct thread thread;

/* ---- what is right ---- */

/* The scripts are told from each other by what is in one of them alone; the hash is that letter. */
static const struct {
	char letter;
	const char *text;
} scripts[] = { { 'a', "ARGV[7] == '1'" }, { 'b', "now + ARGV[3]" }, { 'c', "~= ARGV[3]" }, { 'd', "tell(0, owner)" },
	{ 'e', "" } };

static char
letter_of(const char *text)
{
	int i;

	for (i = 0; strstr(text, scripts[i].text) == NULL; i++)
		;
	return scripts[i].letter;
}

static const char *
by_turns(const char *texts)
{
	static char text[4096];
	const char *at = texts;
	int i;

	for (i = turn++; i > 0 && strchr(at, '|'); i--)
		at = strchr(at, '|') + 1;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "|"), at);
	return text;
}

static const char *
run_script(char letter)
{
	return letter == 'a' ? by_turns(fake->ask) : letter == 'd' ? fake->who : ":1\r\n";
}

static const char *
right(char **word, int n)
{
	static char sha[60];
	static const struct {
		const char *first, *second, *answer;
	} answers[] = {
		{ "CLIENT", "ID", ":7\r\n" },
		{ "CLIENT", "LIST", "$10\r\nid=9 name=\n\r\n" },
		{ "CLIENT", "", "+OK\r\n" },
		{ "INFO", "", "$25\r\nrun_id:abc\r\nrole:master\r\n\r\n" },
		{ "PING", "", "+PONG\r\n" },
		{ "SUBSCRIBE", "", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n" },
		{ "UNSUBSCRIBE", "", "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n" },
		{ "PUBLISH", "", ":1\r\n" },
	};
	size_t i;

	if (strcmp(word[0], "SCRIPT") == 0) {
		snprintf(sha, sizeof(sha), "$40\r\n%040d\r\n", 0);
		memset(sha + 5, letter_of(word[2]), 40);
		return sha;
	}
	if (strcmp(word[0], "PUBSUB") == 0) /* nobody, and then us alone */
		return turn++ % 2 ? "*2\r\n$1\r\nc\r\n:1\r\n" : "*2\r\n$1\r\nc\r\n:0\r\n";
	if (strncmp(word[0], "EVAL", 4) == 0)
		return run_script(word[0][4] ? *word[1] : letter_of(word[1]));
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (strcmp(answers[i].first, word[0]) == 0 &&
		    (!*answers[i].second || (n > 1 && strcmp(answers[i].second, word[1]) == 0)))
			return answers[i].answer;
	return "-ERR unknown\r\n";
}

/* ---- answering ---- */

static void
hang_up(struct client *c)
{
	close(c->fd);
	c->fd = 0;
}

static void
tell(struct client *c, const char *text, size_t length, size_t step)
{
	size_t n;

	for (; length > 0; length -= n, text += n) {
		n = step < length ? step : length;
		if (send(c->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
			return;
	}
}

static void
answer(struct client *c, char **word, int n)
{
	const char *text = right(word, n);
	int odd = atomic_fetch_add(&count, 1) == fake->odd_at;
	size_t length;
	long i;

	if (odd && fake->before)
		fake->before();
	if (odd && fake->odd)
		text = fake->odd;
	length = strlen(text);
	if (odd) {
		odd_length = length;
		if (fake->cut > 0 && fake->cut < length)
			length = fake->cut;
		tell(c, text, length, fake->drips ? 1 : length);
		for (i = 0; i < fake->endless; i++)
			tell(c, text, length, length);
	} else
		tell(c, text, length, length);
	if (odd && fake->hangs_up)
		hang_up(c);
}

/* The words of a whole command, each with a NUL, and of how many bytes it was made; 0: it is not whole. */
static size_t
split(struct client *c, char **word, int *words)
{
	char *at = c->bytes, *end;
	long n, i, length[MOST_WORDS];

	c->bytes[c->length] = '\0';
	n = *at == '*' ? strtol(at + 1, &end, 10) : 0;
	if (n < 1 || n > MOST_WORDS || strncmp(end, "\r\n", 2) != 0)
		return 0;
	at = end + 2;
	for (i = 0; i < n; i++) {
		length[i] = *at == '$' ? strtol(at + 1, &end, 10) : -1;
		if (length[i] < 0 || end + 2 + length[i] + 2 > c->bytes + c->length)
			return 0;
		word[i] = end + 2;
		at = word[i] + length[i] + 2;
	}
	for (i = 0; i < n; i++)
		word[i][length[i]] = '\0';
	*words = (int)n;
	return (size_t)(at - c->bytes);
}

static void
hear(struct client *c)
{
	ssize_t got = read(c->fd, c->bytes + c->length, sizeof(c->bytes) - 1 - c->length);
	char *word[MOST_WORDS];
	size_t used;
	int n;

	if (got <= 0) {
		hang_up(c);
		return;
	}
	c->length += (size_t)got;
	while (c->fd && (used = split(c, word, &n)) != 0) {
		answer(c, word, n);
		memmove(c->bytes, c->bytes + used, c->length - used);
		c->length -= used;
	}
}

static void
let_in(int fd)
{
	int i;

	for (i = 0; i < MOST_CLIENTS && clients[i].fd; i++)
		;
	if (i == MOST_CLIENTS) {
		close(fd);
		return;
	}
	clients[i].fd = fd;
	clients[i].length = 0;
}

static int
serve(void *unused)
{
	struct pollfd p[MOST_CLIENTS + 2];
	int i;

	(void)unused;
	for (;;) {
		for (i = 0; i < MOST_CLIENTS; i++)
			p[i] = (struct pollfd){ .fd = clients[i].fd ? clients[i].fd : -1, .events = POLLIN };
		p[i] = (struct pollfd){ .fd = door, .events = POLLIN };
		p[i + 1] = (struct pollfd){ .fd = bell[0], .events = POLLIN };
		poll(p, MOST_CLIENTS + 2, -1);
		if (p[i + 1].revents)
			return 0;
		if (p[i].revents)
			let_in(accept(door, NULL, NULL));
		for (i = 0; i < MOST_CLIENTS; i++)
			if (p[i].revents && clients[i].fd)
				hear(&clients[i]);
	}
}

/* ---- the test's side ---- */

const char *
fake_url(void)
{
	static char url[300];

	snprintf(url, sizeof(url), "unix://%s", test_file("f"));
	return url;
}

void
fake_start(struct fake *how)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	fake = how;
	strcpy(address.sun_path, test_file("f"));
	door = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(door, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(door, MOST_CLIENTS), 0);
	ck_assert_int_eq(pipe(bell), 0);
	thread_start(&thread, serve, NULL);
}

void
fake_stop(void)
{
	ck_assert_int_eq(write(bell[1], "", 1), 1);
	thread_join(&thread);
}

long
fake_count(void)
{
	turn = 0;
	return atomic_exchange(&count, 0);
}

size_t
fake_odd_length(void)
{
	return odd_length;
}
