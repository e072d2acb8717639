/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lease.h"

#define MOST_WORDS (KEYS_AT + KEYS + 7)

static const char *const suffixes[KEYS + 1] = { ":state", ":holders", ":queue", ":places", ":fence", ":wake:" };

#define LONGEST_SUFFIX 8

/* ---- names ---- */

static char *
put_tag(char *to, const char *prefix, const char *name)
{
	to += sprintf(to, "%s{", prefix);
	for (; *name; name++)
		if (strchr("%{}", *name))
			to += sprintf(to, "%%%02X", (unsigned)(unsigned char)*name);
		else
			*to++ = *name;
	*to++ = '}';
	return to;
}

int
ipclock__lease_make(struct lease *lease, const char *prefix, const char *name)
{
	size_t most = strlen(prefix) + 3 * strlen(name) + 2 + LONGEST_SUFFIX + OWNER_SIZE, i;
	char *at;

	lease->names = malloc((KEYS + 2) * most);
	if (!lease->names)
		return ENOMEM;
	for (i = 0; i <= KEYS; i++) {
		at = lease->names + i * most;
		*(i < KEYS ? &lease->key[i] : &lease->channel) = at;
		strcpy(put_tag(at, prefix, name), suffixes[i]);
	}
	lease->own_channel = lease->names + i * most;
	return 0;
}

void
ipclock__lease_free(struct lease *lease)
{
	free(lease->names);
	lease->names = NULL;
}

void
ipclock__lease_begin(struct lease *lease, const unsigned char random[16])
{
	int i;

	for (i = 0; i < 16; i++)
		sprintf(lease->owner + 2 * i, "%02x", random[i]);
	strcat(strcpy(lease->own_channel, lease->channel), lease->owner);
}

/* ---- scripts ---- */

/* The words of a call: keys, owner, channel, and more up to a NULL. */
static int
call(struct lease *lease, enum script which, const char *owner, const char *const *more, redisReply **reply)
{
	const char *argv[MOST_WORDS];
	size_t len[MOST_WORDS];
	struct command words = { KEYS_AT, argv, len };
	int i;

	for (i = 0; i < KEYS; i++)
		argv[words.argc++] = lease->key[i];
	argv[words.argc++] = owner;
	argv[words.argc++] = lease->channel;
	for (i = 0; more[i]; i++)
		argv[words.argc++] = more[i];
	for (i = KEYS_AT; i < words.argc; i++)
		len[i] = strlen(argv[i]);
	return ipclock__redis_run(lease->connection, &lease->scripts, which, &words, reply);
}

/* For scripts that say 1 or 0. */
static int
decide(struct lease *lease, enum script which, const char *owner, const char *const *more, bool *yes)
{
	redisReply *reply;
	int r = call(lease, which, owner, more, &reply);

	if (r)
		return r;
	if (reply->type != REDIS_REPLY_INTEGER)
		r = EPROTO;
	*yes = reply->integer == 1;
	freeReplyObject(reply);
	return r;
}

static int64_t
clamp(int64_t n)
{
	return n < -1 ? -1 : n > INT_MAX ? INT_MAX : n;
}

static int
understand(const redisReply *reply, struct lease_answer *answer)
{
	size_t i, n = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;

	if (n < 2 || reply->element[0]->type != REDIS_REPLY_INTEGER)
		return EPROTO;
	if (reply->element[0]->integer == 1) {
		answer->token = reply->element[1]->str ? strtoull(reply->element[1]->str, NULL, 10) : 0;
		return answer->token ? 0 : EPROTO;
	}
	if (n < 3 || reply->element[1]->type != REDIS_REPLY_INTEGER || reply->element[2]->type != REDIS_REPLY_INTEGER)
		return EPROTO;
	for (i = 3; i < n; i++)
		if (reply->element[i]->type != REDIS_REPLY_STRING)
			return EPROTO;
	answer->number = clamp(reply->element[1]->integer);
	answer->ends_ms = clamp(reply->element[2]->integer);
	return 0;
}

int
ipclock__lease_ask(struct lease *lease, char mode, bool stand, struct lease_answer *answer)
{
	const char mode_word[2] = { mode, '\0' };
	char client[24], ms[16];
	const char *run_id = *lease->connection->run_id ? lease->connection->run_id : "-";
	const char *const more[] = { mode_word, client, run_id, ms, stand ? "1" : "0", NULL };
	int r;

	memset(answer, 0, sizeof(*answer));
	snprintf(client, sizeof(client), "%" PRId64, lease->connection->id);
	snprintf(ms, sizeof(ms), "%d", lease->lease_ms);
	r = call(lease, SCRIPT_ASK, lease->owner, more, &answer->reply);
	if (r)
		return r;
	r = understand(answer->reply, answer);
	if (r)
		ipclock__lease_answered(answer);
	return r;
}

void
ipclock__lease_answered(struct lease_answer *answer)
{
	if (answer->reply)
		freeReplyObject(answer->reply);
	answer->reply = NULL;
}

int
ipclock__lease_renew(struct lease *lease)
{
	char ms[16];
	const char *const more[] = { ms, NULL };
	bool kept = false;
	int r;

	snprintf(ms, sizeof(ms), "%d", lease->lease_ms);
	r = decide(lease, SCRIPT_RENEW, lease->owner, more, &kept);
	return r ? r : kept ? 0 : ESTALE;
}

int
ipclock__lease_give(struct lease *lease)
{
	const char *const none[] = { NULL };
	bool held = false;
	int r = decide(lease, SCRIPT_GIVE, lease->owner, none, &held);

	return r ? r : held ? 0 : ESTALE;
}

/* ---- the dead ---- */

/*
 * Of another life of the server, or of a server that this one took over from:
 * its connection ended with that.  Where either is not known, only the lease
 * tells.
 */
static int
connection_is_gone(struct lease *lease, const char *record, bool *gone)
{
	struct connection *c = lease->connection;
	char run_id[MOST_RUN_ID];
	int64_t id;
	bool lives = true;
	int r;

	*gone = false;
	if (sscanf(record, "%*c %" SCNd64 " %47s", &id, run_id) != 2 || id <= 0 || !*c->run_id || strcmp(run_id, "-") == 0)
		return 0;
	*gone = strcmp(run_id, c->run_id) != 0;
	if (*gone || id == c->id)
		return 0;
	r = ipclock__redis_client_lives(c, id, &lives);
	if (r == EACCES) {
		*c->reason = '\0';
		return 0; /* who may not ask waits for the lease */
	}
	*gone = r == 0 && !lives;
	return r;
}

int
ipclock__lease_take_over(struct lease *lease, const struct lease_answer *answer, bool *taken)
{
	size_t i, n = answer->reply->elements;
	int r = 0;

	*taken = false;
	for (i = 3; r == 0 && i + 1 < n; i += 2) {
		const char *owner = answer->reply->element[i]->str, *record = answer->reply->element[i + 1]->str;
		const char *const more[] = { record, NULL };
		bool gone, done = false;

		r = connection_is_gone(lease, record, &gone);
		if (r == 0 && gone)
			r = decide(lease, SCRIPT_TAKE, owner, more, &done);
		*taken = *taken || done;
	}
	return r;
}

int
ipclock__lease_who(struct lease *lease, redisReply **reply)
{
	const char *const more[] = { NULL };
	int r = call(lease, SCRIPT_WHO, lease->owner, more, reply);

	if (r == 0 && (*reply)->type != REDIS_REPLY_ARRAY) {
		freeReplyObject(*reply);
		r = EPROTO;
	}
	return r;
}
