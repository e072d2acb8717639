/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Where a server is, by its URL; and the options of a lock there. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipclock-redis.h"
#include "url.h"

static struct url url;

static int
parse(const char *text)
{
	const char *reason = NULL;
	int error = ipclock__redis_url_parse(&url, text, &reason);

	ck_assert((error == 0) == (reason == NULL));
	return error;
}

START_TEST(a_server_by_its_host)
{
	ck_assert_int_eq(parse("redis://localhost"), 0);
	ck_assert_str_eq(url.host, "localhost");
	ck_assert_int_eq(url.port, 6379);
	ck_assert_int_eq(url.database, 0);
	ck_assert_ptr_null(url.user);
	ck_assert_ptr_null(url.password);
	ck_assert_ptr_null(url.path);
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(parse("redis://u%40x:p%3a%2f@10.0.0.1:7000/12"), 0);
	ck_assert_str_eq(url.user, "u@x");
	ck_assert_str_eq(url.password, "p:/");
	ck_assert_str_eq(url.host, "10.0.0.1");
	ck_assert_int_eq(url.port, 7000);
	ck_assert_int_eq(url.database, 12);
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(parse("redis://:p@ss@[::1]:7000/"), 0);
	ck_assert_ptr_null(url.user);
	ck_assert_str_eq(url.password, "p@ss");
	ck_assert_str_eq(url.host, "::1");
	ck_assert_int_eq(url.port, 7000);
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(parse("redis://u%2c@host"), 0);
	ck_assert_str_eq(url.user, "u,");
	ck_assert_ptr_null(url.password);
	ck_assert_str_eq(url.host, "host");
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(parse("redis://"), 0);
	ck_assert_str_eq(url.host, "localhost");
	ck_assert(!url.tls);
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(parse("rediss://me:x@host/1"), 0);
	ck_assert_str_eq(url.host, "host");
	ck_assert_str_eq(url.password, "x");
	ck_assert_int_eq(url.port, 6379);
	ck_assert_int_eq(url.database, 1);
	ck_assert(url.tls);
	ipclock__redis_url_free(&url);
}
END_TEST

START_TEST(a_server_by_its_socket)
{
	ck_assert_int_eq(parse("unix:///run/redis%20one/s@x?db=3"), 0);
	ck_assert_str_eq(url.path, "/run/redis one/s@x");
	ck_assert_int_eq(url.database, 3);
	ck_assert_ptr_null(url.host);
	ck_assert_ptr_null(url.password);
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(parse("unix://me:secret@/run/s"), 0);
	ck_assert_str_eq(url.user, "me");
	ck_assert_str_eq(url.password, "secret");
	ck_assert_str_eq(url.path, "/run/s");
	ipclock__redis_url_free(&url);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	static const char *const bad[] = { "", "localhost", "http://localhost", "redis:/localhost", "redis://@host",
		"redis://::1", "redis://a:b:7000", "redis://host:", "redis://host:0", "redis://host:65536", "redis://host:1x",
		"redis://host/x",
		"redis://host/-1", "redis://host/9999999999999999999999", "redis://host/0?x=1", "redis://host/0#x",
		"redis://[::1", "redis://[::1]7", "redis://ho%zz", "redis://ho%4", "redis://ho%", "redis://ho%00st",
		"redis://%g0:x@host", "unix://run/s", "unix://", "unix:///run/s?x=1", "unix:///run/s?db=", "unix:///run/%" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(bad[i]) == EINVAL, "%s", bad[i]);
	ck_assert_int_eq(parse("rediss:/host"), EINVAL);
	ck_assert_int_eq(parse("rediss://host:0"), EINVAL);
}
END_TEST

static int
count(const char *text)
{
	const char *reason = NULL;
	struct urls urls;
	int n, error = ipclock__redis_urls_parse(&urls, text, &reason);

	ck_assert((error == 0) == (reason == NULL));
	n = error ? -error : urls.count;
	if (n > 1)
		ck_assert_str_eq(urls.url[1].host, "b");
	if (error == 0)
		ipclock__redis_urls_free(&urls);
	ck_assert_int_eq(urls.count, 0);
	return n;
}

START_TEST(several_servers)
{
	char many[17 * 11 + 1] = "";
	int i;

	ck_assert_int_eq(count("redis://a"), 1);
	ck_assert_int_eq(count("redis://a,redis://b"), 2);
	ck_assert_int_eq(count(" redis://a redis://b:1 ,\tunix:///c\n,,"), 3);
	ck_assert_int_eq(count("redis://:x%2cy%20z@a,redis://b"), 2);
	ck_assert_int_eq(count(" , "), -EINVAL);
	ck_assert_int_eq(count("redis://a,b"), -EINVAL);
	ck_assert_int_eq(count("redis://a rediss://b redis://c"), 3);
	for (i = 0; i < 16; i++)
		strcat(many, "redis://b, ");
	ck_assert_int_eq(count(many), 16);
	strcat(many, "redis://b, ");
	ck_assert_int_eq(count(many), -EINVAL);
}
END_TEST

static int
follow(const char *moved)
{
	static struct url told;
	int error;

	if (!told.text) {
		ck_assert_int_eq(parse("rediss://me:x@first:7000/3"), 0);
		told = url;
	}
	error = ipclock__redis_url_follow(&url, moved, &told);
	if (error == 0) {
		ck_assert_str_eq(url.user, "me");
		ck_assert_str_eq(url.password, "x");
		ck_assert_ptr_null(url.path);
		ck_assert_int_eq(url.database, 0);
		ck_assert(url.tls);
	}
	return error;
}

START_TEST(another_node)
{
	ck_assert_int_eq(follow("MOVED 3999 127.0.0.1:6381"), 0);
	ck_assert_str_eq(url.host, "127.0.0.1");
	ck_assert_int_eq(url.port, 6381);
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(follow("MOVED 1 ::1:7001"), 0);
	ck_assert_str_eq(url.host, "::1");
	ck_assert_int_eq(url.port, 7001);
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(follow("MOVED 1 :7002"), 0);
	ck_assert_str_eq(url.host, "first");
	ck_assert_int_eq(url.port, 7002);
	ipclock__redis_url_free(&url);
	ck_assert_int_eq(follow("MOVED"), EPROTO);
	ck_assert_int_eq(follow("MOVED 1 x"), EPROTO);
	ck_assert_int_eq(follow("MOVED 1 x:0"), EPROTO);
	ck_assert_int_eq(follow("MOVED 1 x:99999"), EPROTO);
}
END_TEST

START_TEST(options_are_checked_at_the_door)
{
	char prefix[202];
	struct ipclock_redis_attr *attr;

	memset(prefix, 'x', sizeof(prefix) - 1);
	prefix[sizeof(prefix) - 1] = '\0';
	ck_assert_int_eq(ipclock_redis_attr_new(NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, 99), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), "set lease"));
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, 86400001), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, 86400000), 0);
	ck_assert_str_eq(ipclock_redis_message(NULL), "");
	ck_assert_int_eq(ipclock_redis_attr_set_lease(NULL, 1000), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_backoff(attr, 0, 1), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_backoff(attr, 1, -1), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_backoff(attr, 100, 0), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_jitter(attr, 101), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_jitter(attr, 100), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, 0, 1), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, 1, 0), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, 1, 1), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_prefix(attr, NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_prefix(attr, "a{b"), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_prefix(attr, prefix), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_prefix(attr, prefix + 1), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_auth(NULL, NULL, "x"), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_auth(attr, "me", NULL), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), "set auth"));
	ck_assert_int_eq(ipclock_redis_attr_set_auth(attr, "me", "x"), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_auth(attr, NULL, "y"), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_tls(NULL, "x", NULL, NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_tls(attr, NULL, NULL, "x"), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), "set tls"));
	ipclock_redis_attr_free(attr);
	ipclock_redis_attr_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("redis_url");
	TCase *tcase = tcase_create("redis_url");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, a_server_by_its_host);
	tcase_add_test(tcase, a_server_by_its_socket);
	tcase_add_test(tcase, what_makes_no_sense_is_refused);
	tcase_add_test(tcase, several_servers);
	tcase_add_test(tcase, another_node);
	tcase_add_test(tcase, options_are_checked_at_the_door);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
