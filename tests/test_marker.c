/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What stands in a marker, and what it proves of its owner. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker.h"
#include "owner.h"

#define US "host=vm machine=3d12 boot=5e7c space=7.9"
#define OURS "812\nipclock/1 " US " start=91215 token=000000000000beef lease=0\n"

static enum marker_format
parse(const char *text)
{
	struct marker m;

	return ipclock__marker_parse(&m, text, strlen(text));
}

START_TEST(reads_what_it_prints)
{
	struct marker a, b;
	char text[MARKER_SIZE];

	ck_assert_int_eq(ipclock__marker_parse(&a, OURS, strlen(OURS)), MARKER_OURS);
	ck_assert_int_eq(a.pid, 812);
	ck_assert_str_eq(a.system.host, "vm");
	ck_assert_str_eq(a.system.machine, "3d12");
	ck_assert_str_eq(a.system.boot, "5e7c");
	ck_assert_str_eq(a.system.space, "7.9");
	ck_assert(a.started == 91215 && a.token == 0xbeef && a.lease_ms == 0);
	ck_assert_uint_eq(ipclock__marker_print(&a, text), strlen(OURS));
	ck_assert_str_eq(text, OURS);
	a.token = UINT64_MAX;
	a.started = UINT64_MAX;
	a.lease_ms = 2147483647;
	memset(a.system.host, 'h', sizeof(a.system.host) - 1);
	memset(a.system.boot, 'b', sizeof(a.system.boot) - 1);
	ck_assert_int_eq(ipclock__marker_parse(&b, text, ipclock__marker_print(&a, text)), MARKER_OURS);
	ck_assert(b.token == a.token && b.started == a.started && b.lease_ms == a.lease_ms);
	ck_assert_str_eq(b.system.host, a.system.host);
}
END_TEST

/* Each of these is something else, and so never removed. */
static const char *const others[] = {
	"812\nipclock/1 " US " start=91215 token=000000000000beef lease=0",
	"812\nipclock/1 " US " start=91215 token=000000000000beef lease=0\n\n",
	"812\nipclock/1 " US " start=91215 token=000000000000beef lease=0 more=1\n",
	"812\nipclock/1 " US " start=91215 token=beef lease=0\n",
	"812\nipclock/1 " US " start=91215 token=000000000000BEEF lease=0\n",
	"812\nipclock/1 " US " start=+1 token=000000000000beef lease=0\n",
	"812\nipclock/1 " US " start=91215 token=000000000000beef lease=-1\n",
	"812\nipclock/1 " US " start=91215 token=000000000000beef lease=4294967296\n",
	"812\nipclock/1 " US " start=99999999999999999999 token=000000000000beef lease=0\n",
	"812\nipclock/2 " US " start=91215 token=000000000000beef lease=0\n",
	"812\nipclock/1\n",
	"0\nipclock/1 " US " start=91215 token=000000000000beef lease=0\n",
	"-1\nipclock/1 " US " start=91215 token=000000000000beef lease=0\n",
	"0812\nipclock/1 " US " start=91215 token=000000000000beef lease=0\n",
	"4294967296\nipclock/1 " US " start=91215 token=000000000000beef lease=0\n",
	"812 ipclock/1 " US " start=91215 token=000000000000beef lease=0\n",
	"\n", "x", "0", "-4\n", "812 vm\n", "812x\n", "812\nvm\n1\n2\n", "99999999999999999999\n", "filelock/2\npid=812\n",
	"\xff\xfe\x80",
};

START_TEST(what_is_not_exactly_ours_is_not_ours)
{
	ck_assert_int_eq(parse(others[_i]), MARKER_OTHER);
}
END_TEST

START_TEST(every_beginning_of_ours_is_not_ours)
{
	struct marker m;
	size_t n;

	ck_assert_int_eq(ipclock__marker_parse(&m, OURS, 0), MARKER_EMPTY);
	for (n = 1; n < strlen(OURS); n++)
		ck_assert_int_ne(ipclock__marker_parse(&m, OURS, n), MARKER_OURS);
}
END_TEST

START_TEST(every_changed_byte_is_noticed_or_read)
{
	char text[] = OURS, again[MARKER_SIZE];
	struct marker m;
	size_t i;
	int c;

	for (i = 0; i < strlen(OURS); i++) {
		for (c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (ipclock__marker_parse(&m, text, strlen(OURS)) == MARKER_OURS) {
				ipclock__marker_print(&m, again);
				ck_assert_str_eq(again, text);
			}
		}
		text[i] = OURS[i];
	}
}
END_TEST

START_TEST(huge_and_binary)
{
	static char text[MARKER_SIZE * 2];
	struct marker m;

	memset(text, '1', sizeof(text));
	ck_assert_int_eq(ipclock__marker_parse(&m, text, sizeof(text)), MARKER_OTHER);
	ck_assert_int_eq(ipclock__marker_parse(&m, text, MARKER_SIZE), MARKER_OTHER);
	memcpy(text, OURS, sizeof(OURS));
	ck_assert_int_eq(ipclock__marker_parse(&m, text, sizeof(OURS)), MARKER_OTHER); /* with its final 0 */
}
END_TEST

START_TEST(foreign_formats)
{
	struct marker m;

	ck_assert_int_eq(parse("812\n"), MARKER_PID);
	ck_assert_int_eq(parse("812"), MARKER_PID);
	ck_assert_int_eq(parse("812\nvm\n"), MARKER_FILELOCK);
	ck_assert_int_eq(ipclock__marker_parse(&m, "812\nvm\n5e7c-91215\n", 18), MARKER_FILELOCK);
	ck_assert_int_eq(m.pid, 812);
	ck_assert_str_eq(m.system.host, "vm");
	ck_assert_str_eq(m.system.boot, OS_UNKNOWN);
}
END_TEST

/* ---- judging ---- */

static const struct os_system us = { .host = "vm", .machine = "3d12", .boot = "5e7c", .space = "7.9" };
static enum os_life answer;
static int asked;

static enum os_life
life(long pid, uint64_t started)
{
	asked++;
	ck_assert_int_eq(pid, 812);
	ck_assert(started == 91215 || started == 0);
	return answer;
}

static enum owner_state
judge(const char *where, enum os_life says)
{
	struct marker m;
	char text[256];
	enum marker_format format;

	snprintf(text, sizeof(text), "812\nipclock/1 %s start=91215 token=000000000000beef lease=0\n", where);
	format = ipclock__marker_parse(&m, text, strlen(text));
	ck_assert_int_eq(format, MARKER_OURS);
	answer = says;
	asked = 0;
	return ipclock__owner_judge(format, &m, &us, life);
}

START_TEST(of_our_boot_and_namespace_the_process_tells)
{
	ck_assert_int_eq(judge(US, OS_GONE), OWNER_DEAD);
	ck_assert_int_eq(judge(US, OS_RUNS), OWNER_ALIVE);
	ck_assert_int_eq(judge(US, OS_UNSURE), OWNER_UNKNOWN);
	ck_assert_int_eq(judge("host=vm machine=- boot=5e7c space=7.9", OS_GONE), OWNER_DEAD);
}
END_TEST

/* Nobody looks for a process there. */
static const struct {
	const char *where;
	enum owner_state state;
} elsewhere[] = {
	{ "host=pc machine=3d12 boot=5e7c space=7.9", OWNER_UNKNOWN },
	{ "host=- machine=3d12 boot=5e7c space=7.9", OWNER_UNKNOWN },
	{ "host=vm machine=3d12 boot=0000 space=7.9", OWNER_DEAD },
	{ "host=vm machine=3d12 boot=0000 space=1.9", OWNER_DEAD },
	{ "host=pc machine=3d12 boot=0000 space=7.9", OWNER_UNKNOWN },
	{ "host=vm machine=aaaa boot=0000 space=7.9", OWNER_UNKNOWN },
	{ "host=vm machine=- boot=0000 space=7.9", OWNER_UNKNOWN },
	{ "host=vm machine=3d12 boot=- space=7.9", OWNER_UNKNOWN },
	{ "host=vm machine=3d12 boot=5e7c space=1.9", OWNER_UNKNOWN },
	{ "host=vm machine=3d12 boot=5e7c space=7.1", OWNER_UNKNOWN },
	{ "host=vm machine=3d12 boot=5e7c space=-", OWNER_UNKNOWN },
};

START_TEST(elsewhere_only_a_reboot_of_this_machine_proves_a_death)
{
	ck_assert_int_eq(judge(elsewhere[_i].where, OS_GONE), elsewhere[_i].state);
	ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(of_foreign_markers)
{
	struct marker m;

	answer = OS_GONE;
	ck_assert_int_eq(ipclock__marker_parse(&m, "812\nvm\n", 7), MARKER_FILELOCK);
	ck_assert_int_eq(ipclock__owner_judge(MARKER_FILELOCK, &m, &us, life), OWNER_DEAD);
	ck_assert_int_eq(ipclock__marker_parse(&m, "812\npc\n", 7), MARKER_FILELOCK);
	ck_assert_int_eq(ipclock__owner_judge(MARKER_FILELOCK, &m, &us, life), OWNER_UNKNOWN);
	ck_assert_int_eq(ipclock__marker_parse(&m, "812\n", 4), MARKER_PID);
	ck_assert_int_eq(ipclock__owner_judge(MARKER_PID, &m, &us, life), OWNER_UNKNOWN);
}
END_TEST

/* ---- names ---- */

START_TEST(names_aside)
{
	struct aside a = { 812, 0x1234, 0xfeed }, b;
	char name[ASIDE_SIZE], base[256];

	ipclock__aside_print(&a, "lock", name);
	ck_assert_str_eq(name, ".lock.812.00001234.000000000000feed.ipclock");
	ck_assert(ipclock__aside_parse(&b, "lock", name));
	ck_assert(b.pid == 812 && b.system == 0x1234 && b.token == 0xfeed);
	ck_assert(!ipclock__aside_parse(&b, "loc", name));
	ck_assert(!ipclock__aside_parse(&b, "lock.8", name));
	ck_assert(!ipclock__aside_parse(&b, "lock", "lock"));
	ck_assert(!ipclock__aside_parse(&b, "lock", ".lock.812.00001234.000000000000feed.ipclock.bak"));
	ck_assert(!ipclock__aside_parse(&b, "lock", ".lock.-812.00001234.000000000000feed.ipclock"));
	memset(base, 'b', 255);
	base[255] = '\0';
	ipclock__aside_print(&a, base, name);
	ck_assert_uint_lt(strlen(name), ASIDE_SIZE - 1);
	ck_assert(ipclock__aside_parse(&b, base, name));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("marker");
	TCase *t = tcase_create("marker");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(t, reads_what_it_prints);
	tcase_add_loop_test(t, what_is_not_exactly_ours_is_not_ours, 0, (int)(sizeof(others) / sizeof(others[0])));
	tcase_add_test(t, every_beginning_of_ours_is_not_ours);
	tcase_add_test(t, every_changed_byte_is_noticed_or_read);
	tcase_add_test(t, huge_and_binary);
	tcase_add_test(t, foreign_formats);
	tcase_add_test(t, of_our_boot_and_namespace_the_process_tells);
	tcase_add_loop_test(t, elsewhere_only_a_reboot_of_this_machine_proves_a_death, 0,
	    (int)(sizeof(elsewhere) / sizeof(elsewhere[0])));
	tcase_add_test(t, of_foreign_markers);
	tcase_add_test(t, names_aside);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
