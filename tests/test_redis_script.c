/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The scripts of redis/script.c alone, on a real server, for owners that are made
 * up: a step at a time, in an order that no race has to bring about.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_server.h"
#include "script.h"
#include "support.h"

#define CHANNEL "ipclock:{lock}:wake:"
#define LEASE   "3600000"

/* ---- in place of redis/connection.c: the texts are taken from what would be sent ---- */

static char *texts[SCRIPTS];
static enum script asked_for;

int
ipclock__redis_say(struct connection *c, redisReply **reply, const char *const *words)
{
	(void)c;
	(void)reply;
	ck_assert_str_eq(words[1], "LOAD");
	texts[asked_for] = strdup(words[2]);
	return EIO;
}

int
ipclock__redis_command(struct connection *c, const struct command *command, redisReply **reply)
{
	(void)c;
	(void)command;
	(void)reply;
	return EIO;
}

bool
ipclock__redis_connected(const struct connection *c)
{
	(void)c;
	return false;
}

/* ---- calls ---- */

static redisContext *server, *ear;

static redisReply *
run(enum script which, const char *owner, const char *const *more)
{
	const char *argv[20] = { "EVAL", texts[which], "5", STATE, HOLDERS, QUEUE, PLACES, FENCE, owner, CHANNEL };
	redisReply *reply;
	int n;

	for (n = 10; *more; n++)
		argv[n] = *more++;
	reply = redisCommandArgv(server, n, argv, NULL);
	ck_assert_ptr_nonnull(reply);
	return reply;
}

static long long
number(enum script which, const char *owner, const char *more)
{
	redisReply *reply = run(which, owner, (const char *const[]){ more, NULL });
	long long n = reply->integer;

	ck_assert_msg(reply->type == REDIS_REPLY_INTEGER, "%s", reply->str);
	freeReplyObject(reply);
	return n;
}

#define give(owner)         number(SCRIPT_GIVE, owner, NULL)
#define renew(owner, lease) number(SCRIPT_RENEW, owner, lease)
#define take(owner, record) number(SCRIPT_TAKE, owner, record)

/* The token, or minus one, two ...: refused, and so many in line with it; 0: refused, and not in line. */
static long long
ask_for(const char *owner, const char *mode, const char *lease, const char *stand)
{
	redisReply *reply = run(SCRIPT_ASK, owner, (const char *const[]){ mode, "7", "run", lease, stand, NULL });
	long long n;

	ck_assert_msg(reply->type == REDIS_REPLY_ARRAY, "%s", reply->str);
	n = reply->element[0]->integer == 1 ? atoll(reply->element[1]->str) : -1 - reply->element[1]->integer;
	freeReplyObject(reply);
	return n;
}

#define ask(owner, mode)     ask_for(owner, mode, LEASE, "1")
#define must_hold(owner, mode) ck_assert_int_gt(ask(owner, mode), 0)
#define must_wait(owner, mode) ck_assert_int_lt(ask(owner, mode), 0)

/* Those who were woken since the last time, each a letter. */
static const char *
woken(void)
{
	static char letters[32];
	redisReply *reply;
	size_t n = 0;

	ck_assert_int_eq(redisAppendCommand(ear, "PING"), REDIS_OK);
	for (;;) {
		ck_assert_int_eq(redisGetReply(ear, (void **)&reply), REDIS_OK);
		if (strcmp(reply->element[0]->str, "pmessage") != 0)
			break;
		letters[n++] = reply->element[2]->str[strlen(CHANNEL)];
		freeReplyObject(reply);
	}
	freeReplyObject(reply);
	letters[n] = '\0';
	return letters;
}

/* The owner's lease or place is over. */
static void
end_of(const char *set, const char *owner)
{
	server_do("ZADD %s 1 %s", set, owner);
}

static void
record_of(const char *owner, char record[128])
{
	snprintf(record, 128, "%s", server_do("HGET " STATE " %s", owner));
}

/* ---- tests ---- */

START_TEST(A_readers_and_writers)
{
	must_hold("a", "R");
	must_hold("b", "R");
	ck_assert_int_eq(ask_for("w", "W", LEASE, "0"), 0);
	ck_assert_int_eq(server_number("ZCARD " QUEUE), 0);
	ck_assert_int_eq(give("a"), 1);
	must_wait("w", "W");
	ck_assert_int_eq(give("b"), 1);
	must_hold("w", "W");
	must_wait("a", "R");
	must_wait("b", "W");
	ck_assert_int_eq(server_number("ZCARD " HOLDERS), 1);
}
END_TEST

/* No library asks for what it holds; it would have a new token for an old hold. */
START_TEST(A_who_holds_may_not_ask)
{
	redisReply *reply;

	must_hold("a", "R");
	reply = run(SCRIPT_ASK, "a", (const char *const[]){ "R", "7", "run", LEASE, "1", NULL });
	ck_assert_int_eq(reply->type, REDIS_REPLY_ERROR);
	freeReplyObject(reply);
	ck_assert_int_eq(server_number("ZCARD " HOLDERS), 1);
	ck_assert_int_eq(server_number("ZCARD " QUEUE), 0);
}
END_TEST

/* Those who came earlier have names that sort after. */
START_TEST(F_the_line)
{
	must_hold("h", "W");
	ck_assert_int_eq(ask("z", "W"), -1);
	ck_assert_int_eq(ask("y", "R"), -2);
	ck_assert_int_eq(ask("x", "R"), -3);
	ck_assert_int_eq(ask("w", "W"), -4);
	ck_assert_int_eq(ask("z", "W"), -1);
	ck_assert_int_eq(give("h"), 1);
	ck_assert_int_eq(ask("w", "W"), -4);
	ck_assert_int_eq(ask("y", "R"), -2);
	must_hold("z", "W");
	ck_assert_int_eq(ask("y", "R"), -1);
	ck_assert_int_eq(give("z"), 1);
	ck_assert_int_eq(ask("w", "W"), -3);
	ck_assert_int_eq(ask_for("n", "W", LEASE, "0"), 0);
	ck_assert_int_eq(ask_for("n", "R", LEASE, "0"), 0);
	must_hold("x", "R"); /* with the reader before it */
	must_hold("y", "R");
	ck_assert_int_eq(ask("n", "R"), -2);
	ck_assert_int_eq(give("x"), 1);
	ck_assert_int_eq(ask("w", "W"), -1);
	ck_assert_int_eq(give("y"), 1);
	must_hold("w", "W");
}
END_TEST

START_TEST(F_a_place_in_the_line)
{
	long long place;

	must_hold("h", "W");
	ck_assert_int_lt(ask_for("z", "W", "100000", "1"), 0);
	must_wait("y", "W");
	ck_assert_int_eq(give("z"), 0); /* left, and held nothing */
	ck_assert_int_eq(ask("y", "W"), -1);
	ck_assert_int_eq(ask_for("z", "W", "100000", "1"), -2);
	place = atoll(server_do("ZSCORE " PLACES " z"));
	end_of(PLACES, "y");
	ck_assert_int_eq(ask("z", "W"), -1); /* is now kept for longer */
	ck_assert_int_gt(atoll(server_do("ZSCORE " PLACES " z")) - 3000000, place);
	ck_assert_int_eq(ask("y", "W"), -2);
	ck_assert_int_eq(give("h"), 1);
	must_wait("y", "W");
	must_hold("z", "W");
}
END_TEST

START_TEST(B_a_lease_that_ended)
{
	must_hold("a", "W");
	must_wait("b", "W");
	end_of(HOLDERS, "a");
	ck_assert_int_eq(renew("a", LEASE), 0);
	must_hold("b", "W");
	ck_assert_int_eq(renew("a", LEASE), 0);
	ck_assert_int_eq(give("a"), 0);
	ck_assert_int_eq(renew("stranger", LEASE), 0);
	ck_assert_int_eq(give("stranger"), 0);
	must_wait("a", "R");
	ck_assert_int_eq(renew("b", "7200000"), 1);
	ck_assert_int_gt(server_number("PTTL " HOLDERS), 3600000);
	end_of(HOLDERS, "b");
	ck_assert_int_eq(give("b"), 0);
	must_hold("a", "R");
}
END_TEST

/* What is taken was seen before, and may have changed. */
START_TEST(A_who_is_taken_for_dead)
{
	char holder[128], waiter[128];

	must_hold("a", "W");
	must_wait("b", "W");
	record_of("a", holder);
	record_of("b", waiter);
	ck_assert_int_eq(take("a", waiter), 0);
	ck_assert_int_eq(take("b", holder), 0);
	ck_assert_int_eq(take("stranger", holder), 0);
	must_wait("b", "W");
	ck_assert_int_eq(take("a", holder), 1);
	must_hold("b", "W");
	ck_assert_int_eq(take("b", waiter), 0);
	must_wait("c", "W");
	record_of("c", waiter);
	ck_assert_int_eq(take("c", waiter), 1);
	ck_assert_int_eq(server_number("ZCARD " QUEUE), 0);
	ck_assert_int_eq(renew("b", LEASE), 1);
}
END_TEST

START_TEST(no_letter_tokens)
{
	long long token;

	server_do("SET " FENCE " 5");
	token = ask("a", "R");
	ck_assert_int_gt(token, 1000000000000000); /* the time */
	ck_assert_int_gt(ask("b", "R"), token);
	server_do("SET " FENCE " 9000000000000000"); /* the clock was set back since */
	ck_assert_int_eq(ask("c", "R"), 9000000000000001);
	ck_assert_int_eq(ask("d", "R"), 9000000000000002);
	ck_assert_str_eq(server_do("GET " FENCE), "9000000000000002");
	give("a"), give("b"), give("c"), give("d");
	ck_assert_int_eq(ask("e", "W"), 9000000000000003);
	ck_assert_int_eq(server_number("PTTL " FENCE), -1);
}
END_TEST

START_TEST(E_who_is_woken)
{
	char record[128];

	must_hold("h", "W");
	must_wait("a", "R");
	must_wait("b", "R");
	must_wait("c", "W");
	must_wait("d", "R");
	must_wait("e", "W");
	give("e");
	ck_assert_str_eq(woken(), "");
	give("h");
	ck_assert_str_eq(woken(), "ab");
	must_hold("b", "R");
	must_hold("a", "R");
	give("a");
	ck_assert_str_eq(woken(), "");
	record_of("c", record);
	take("c", record);
	ck_assert_str_eq(woken(), "d"); /* shares with b now */
	must_wait("e", "W");
	give("d");
	record_of("b", record);
	woken();
	take("b", record);
	ck_assert_str_eq(woken(), "e");
	must_hold("e", "W");
	must_wait("f", "W");
	end_of(HOLDERS, "e");
	must_wait("g", "W"); /* finds out, behind f */
	ck_assert_str_eq(woken(), "f");
	give("f"), give("g"), woken();
	must_hold("h", "W");
	must_wait("i", "R");
	must_wait("j", "R");
	end_of(HOLDERS, "h");
	must_hold("i", "R"); /* finds out, before j */
	ck_assert_str_eq(woken(), "j");
}
END_TEST

/* How many are told of, and the place of the last. */
static void
must_tell(int n, long long place)
{
	redisReply *reply = run(SCRIPT_WHO, "", (const char *const[]){ NULL });

	ck_assert_int_eq((int)reply->elements, 2 * n);
	ck_assert_int_eq(n > 0 ? reply->element[2 * n - 2]->integer : 0, place);
	freeReplyObject(reply);
}

START_TEST(no_letter_who_is_told)
{
	must_tell(0, 0);
	must_hold("a", "R");
	must_hold("b", "R");
	must_wait("c", "W");
	must_wait("d", "W");
	must_tell(4, 2);
	end_of(PLACES, "c");
	must_tell(3, 1);
	end_of(HOLDERS, "b");
	must_tell(2, 1);
	give("d");
	must_tell(1, 0);
}
END_TEST

START_TEST(no_letter_keys_last_as_long_as_needed)
{
	must_hold("a", "W");
	ck_assert_int_lt(ask_for("b", "W", "100000", "1"), 0);
	ck_assert_int_gt(server_number("PTTL " HOLDERS), 3000000);
	ck_assert_int_gt(server_number("PTTL " STATE), 3000000);
	give("a");
	ck_assert_int_gt(server_number("PTTL " QUEUE), 1000);
	ck_assert_int_le(server_number("PTTL " QUEUE), 100000);
	must_hold("b", "W");
	give("b");
	ck_assert_str_eq(server_do("KEYS *"), FENCE);
}
END_TEST

static void
begin(void)
{
	struct scripts none = { .sha = { "" } };
	struct command words = { 0, NULL, NULL };
	redisReply *reply;

	server_start(0);
	server = redisConnectUnix(server_url() + strlen("unix://"));
	ear = redisConnectUnix(server_url() + strlen("unix://"));
	ck_assert(server != NULL && server->err == 0 && ear != NULL && ear->err == 0);
	freeReplyObject(redisCommand(ear, "PSUBSCRIBE " CHANNEL "*"));
	for (asked_for = 0; asked_for < SCRIPTS; asked_for++) {
		ck_assert_int_eq(ipclock__redis_run(NULL, &none, asked_for, &words, &reply), EIO);
		ck_assert_ptr_nonnull(texts[asked_for]);
	}
}

static void
end(void)
{
	redisFree(server);
	redisFree(ear);
	server_end();
}

static void
add(TCase *t)
{
	if (!server_there()) {
		test_skip("the scripts of libipclock-redis: no redis-server here");
		return;
	}
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, A_readers_and_writers);
	tcase_add_test(t, A_who_holds_may_not_ask);
	tcase_add_test(t, F_the_line);
	tcase_add_test(t, F_a_place_in_the_line);
	tcase_add_test(t, B_a_lease_that_ended);
	tcase_add_test(t, A_who_is_taken_for_dead);
	tcase_add_test(t, no_letter_tokens);
	tcase_add_test(t, E_who_is_woken);
	tcase_add_test(t, no_letter_who_is_told);
	tcase_add_test(t, no_letter_keys_last_as_long_as_needed);
}

int
main(void)
{
	return test_main("redis_script", add);
}
