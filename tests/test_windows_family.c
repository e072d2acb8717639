/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The objects beside the lock on Windows: this process and another, which is
 * this program once more and obeys as tests/agent does.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "agent_client.h"
#include "support.h"

/* ---- the other process ---- */

static struct ipclock_soft *soft;
static struct ipclock_pidfile *pidfile;
static struct ipclock_replace *replace;
static struct ipclock *lock;

static HANDLE
handle_of(int fd)
{
	return (HANDLE)(intptr_t)fd;
}

static int
soft_open(const char *path)
{
	return ipclock_soft_open(&soft, path, NULL);
}

static int
soft_acquire(const char *ms)
{
	return ipclock_soft_acquire(soft, atoi(ms));
}

static int
soft_lease(const char *ms)
{
	return ipclock_soft_set_lease(soft, atoi(ms), NULL, NULL);
}

static int
soft_touch(const char *nothing)
{
	(void)nothing;
	return ipclock_soft_touch(soft);
}

static int
soft_release(const char *nothing)
{
	(void)nothing;
	return ipclock_soft_release(soft);
}

/* Acquires and releases until one fails. */
static int
soft_hammer(const char *nothing)
{
	int error;

	(void)nothing;
	do {
		error = ipclock_soft_acquire(soft, LONG_MS);
		if (error == 0)
			error = ipclock_soft_release(soft);
	} while (error == 0);
	return error;
}

static int
pidfile_open(const char *path)
{
	return ipclock_pidfile_open(&pidfile, path, 0644, NULL);
}

static int
pidfile_write(const char *nothing)
{
	(void)nothing;
	return ipclock_pidfile_write(pidfile);
}

static int
replace_open(const char *path)
{
	return ipclock_replace_open(&replace, path, 0);
}

static int
replace_commit(const char *nothing)
{
	(void)nothing;
	return ipclock_replace_commit(replace);
}

static int
lock_hold(const char *path)
{
	int error = ipclock_open(&lock, path, NULL);

	return error ? error : ipclock_acquire(lock, 0);
}

static const struct {
	const char *name;
	int (*run)(const char *argument);
} commands[] = {
	{ "soft_open", soft_open },
	{ "soft_acquire", soft_acquire },
	{ "soft_lease", soft_lease },
	{ "soft_touch", soft_touch },
	{ "soft_release", soft_release },
	{ "soft_hammer", soft_hammer },
	{ "pidfile_open", pidfile_open },
	{ "pidfile_write", pidfile_write },
	{ "replace_open", replace_open },
	{ "replace_commit", replace_commit },
	{ "lock_hold", lock_hold },
};

static int
obey(void)
{
	char line[1024], *argument;
	size_t i;
	int answer;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		argument = line + strcspn(line, " ");
		if (*argument != '\0')
			*argument++ = '\0';
		answer = -1;
		for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (strcmp(line, commands[i].name) == 0)
				answer = commands[i].run(argument);
		printf("%d\n", answer);
		fflush(stdout);
	}
	return 0;
}

/* ---- what the tests ask ---- */

static const char *
text_of(const char *path)
{
	static char text[1024];
	FILE *file = fopen(path, "rb");
	size_t n = 0;

	if (file == NULL)
		return "(nothing)";
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	return text;
}

/* How many files there are in the test's directory. */
static int
files(void)
{
	WIN32_FIND_DATAA found;
	HANDLE search = FindFirstFileA(test_file("*"), &found);
	int n = 0;

	if (search == INVALID_HANDLE_VALUE)
		return 0;
	do
		n += !(found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY);
	while (FindNextFileA(search, &found));
	FindClose(search);
	return n;
}

static bool
is_there(const char *path)
{
	return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}

/* As a program does that knows nothing of us and lets nobody remove what it reads. */
static HANDLE
open_for_reading(const char *path)
{
	HANDLE handle = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0,
	    NULL);

	ck_assert(handle != INVALID_HANDLE_VALUE);
	return handle;
}

/* The byte by which the library marks a file as somebody's: locked for as long as the handle is open; NULL: it is. */
static HANDLE
mark(const char *path)
{
	HANDLE handle = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
	    OPEN_EXISTING, 0, NULL);
	OVERLAPPED place = { .Offset = 0xfffffffe, .OffsetHigh = 0x7fffffff };

	ck_assert(handle != INVALID_HANDLE_VALUE);
	if (LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place))
		return handle;
	CloseHandle(handle);
	return NULL;
}

/* ---- the soft lock ---- */

static struct ipclock_soft *
must_soft(const char *path)
{
	struct ipclock_soft *s;

	ck_assert_int_eq(ipclock_soft_open(&s, path, NULL), 0);
	return s;
}

static int
owner_state(struct ipclock_soft *s, pid_t pid)
{
	struct ipclock_owner *owner;
	int state;

	ck_assert_int_eq(ipclock_soft_owner(s, &owner), 0);
	ck_assert_int_eq(ipclock_owner_pid(owner), pid);
	state = ipclock_owner_state(owner);
	ipclock_owner_free(owner);
	return state;
}

START_TEST(A_a_soft_lock_excludes)
{
	struct ipclock_soft *s = must_soft(test_path);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "soft_open %s", test_path), 0);
	ck_assert_int_eq(ipclock_soft_acquire(s, 0), 0);
	ck_assert_int_eq(files(), 1);
	ck_assert_int_eq(ipclock_soft_acquire(s, 0), EBUSY);
	ck_assert_int_eq(agent_do(&a, "soft_acquire 0"), EBUSY);
	ck_assert_int_eq(owner_state(s, (pid_t)GetCurrentProcessId()), IPCLOCK_OWNER_ALIVE);
	ck_assert_int_eq(ipclock_soft_touch(s), 0);
	ck_assert_int_eq(ipclock_soft_release(s), 0);
	ck_assert_int_eq(files(), 0);
	ck_assert_int_eq(agent_do(&a, "soft_acquire 0"), 0);
	ck_assert_int_eq(ipclock_soft_acquire(s, 0), EBUSY);
	ck_assert_int_eq(owner_state(s, a.pid), IPCLOCK_OWNER_ALIVE);
	ck_assert_int_eq(agent_do(&a, "soft_release"), 0);
	ck_assert_int_eq(ipclock_soft_close(s), 0);
	agent_end(&a);
}
END_TEST

START_TEST(B_a_killed_owner_s_marker_is_stale)
{
	struct ipclock_soft *s = must_soft(test_path);
	struct agent a;
	pid_t pid;

	agent_spawn(&a);
	pid = a.pid;
	ck_assert_int_eq(agent_do(&a, "soft_open %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "soft_acquire 0"), 0);
	agent_kill(&a, SIGKILL);
	ck_assert(is_there(test_path));
	ck_assert_int_eq(owner_state(s, pid), IPCLOCK_OWNER_DEAD);
	ck_assert_int_eq(ipclock_soft_acquire(s, 0), 0);
	ck_assert_int_eq(files(), 1);
	ck_assert_int_eq(ipclock_soft_close(s), 0);
	ck_assert_int_eq(files(), 0);
}
END_TEST

static void
put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* Of a marker, with text in place of what follows a word, up to a space. */
static int
state_with(struct ipclock_soft *s, const char *marker, const char *word, const char *text)
{
	const char *at = strstr(marker, word);
	struct ipclock_owner *owner;
	char changed[1024];
	int state;

	ck_assert_ptr_nonnull(at);
	at += strlen(word);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - marker), marker, text, at + strcspn(at, " \n"));
	put_text(test_path, changed);
	ck_assert_int_eq(ipclock_soft_owner(s, &owner), 0);
	state = ipclock_owner_state(owner);
	ipclock_owner_free(owner);
	return state;
}

/* The process, and when it was started, on this installation. */
START_TEST(B_dead_is_what_is_proven)
{
	struct ipclock_soft *s = must_soft(test_path);
	char marker[1024];
	HANDLE breaker;

	ck_assert_int_eq(ipclock_soft_acquire(s, 0), 0);
	snprintf(marker, sizeof(marker), "%s", text_of(test_path));
	ck_assert_int_eq(ipclock_soft_release(s), 0);
	ck_assert_int_eq(state_with(s, marker, "lease=", "0"), IPCLOCK_OWNER_ALIVE);
	ck_assert_int_eq(state_with(s, marker, "", "2147483644"), IPCLOCK_OWNER_DEAD);
	ck_assert_int_eq(state_with(s, marker, " start=", "1"), IPCLOCK_OWNER_DEAD);
	ck_assert_int_eq(state_with(s, marker, " space=", "other"), IPCLOCK_OWNER_UNKNOWN);
	ck_assert_int_eq(state_with(s, marker, " host=", "other"), IPCLOCK_OWNER_UNKNOWN);
	ck_assert_int_eq(state_with(s, marker, " boot=", "other"), IPCLOCK_OWNER_DEAD);
	breaker = mark(test_path);
	ck_assert_ptr_nonnull(breaker);
	ck_assert_int_eq(ipclock_soft_acquire(s, 0), EBUSY);
	CloseHandle(breaker);
	ck_assert_int_eq(ipclock_soft_acquire(s, 0), 0);
	ipclock_soft_close(s);
}
END_TEST

/* Killed wherever it is, it leaves nothing that stays; and until then neither takes the other's lock. */
START_TEST(B_killed_in_the_midst)
{
	struct ipclock_soft *s = must_soft(test_path);
	struct agent a;
	int i, k;

	for (i = 0; i < 10; i++) {
		agent_spawn(&a);
		ck_assert_int_eq(agent_do(&a, "soft_open %s", test_path), 0);
		agent_send(&a, "soft_hammer");
		for (k = 0; k < 20; k++) {
			ck_assert_int_eq(ipclock_soft_acquire(s, LONG_MS), 0);
			ck_assert_int_eq(owner_state(s, (pid_t)GetCurrentProcessId()), IPCLOCK_OWNER_ALIVE);
			ck_assert_int_eq(ipclock_soft_release(s), 0);
		}
		ck_assert(!agent_answered(&a));
		agent_kill(&a, SIGKILL);
		ck_assert_int_eq(ipclock_soft_acquire(s, LONG_MS), 0);
		ck_assert_int_eq(ipclock_soft_release(s), 0);
	}
	ipclock_soft_close(s);
}
END_TEST

/* The date of the last change, or with one to set: that one. */
static int64_t
changed_at(int64_t date)
{
	HANDLE handle = CreateFileA(test_path, FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
	    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
	FILETIME time = { .dwLowDateTime = (DWORD)date, .dwHighDateTime = (DWORD)(date >> 32) };

	ck_assert(handle != INVALID_HANDLE_VALUE);
	ck_assert(date ? SetFileTime(handle, NULL, NULL, &time) : GetFileTime(handle, NULL, NULL, &time));
	CloseHandle(handle);
	return (int64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

START_TEST(C_a_touch_is_seen)
{
	const int64_t old = INT64_C(116444736000000000); /* 1970 */
	struct ipclock_soft *s = must_soft(test_path);

	ck_assert_int_eq(ipclock_soft_acquire(s, 0), 0);
	ck_assert_int_eq(changed_at(old), old);
	ck_assert_int_eq(changed_at(0), old);
	ck_assert_int_eq(ipclock_soft_touch(s), 0);
	ck_assert_int_gt(changed_at(0), old + old / 10);
	ipclock_soft_close(s);
}
END_TEST

START_TEST(C_a_lease_is_broken_and_its_owner_told)
{
	struct ipclock_soft *s = must_soft(test_path);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "soft_open %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "soft_lease 50"), 0);
	ck_assert_int_eq(agent_do(&a, "soft_acquire 0"), 0);
	ck_assert_int_eq(agent_do(&a, "soft_touch"), 0);
	ck_assert_int_eq(ipclock_soft_acquire(s, LONG_MS), 0);
	ck_assert_int_eq(agent_do(&a, "soft_touch"), ESTALE);
	ck_assert_int_eq(agent_do(&a, "soft_release"), EPERM);
	ck_assert_int_eq(ipclock_soft_release(s), 0);
	ck_assert_int_eq(agent_do(&a, "soft_acquire 0"), 0);
	ck_assert_int_eq(ipclock_soft_break(s), 0);
	ck_assert_int_eq(agent_do(&a, "soft_release"), ESTALE);
	ipclock_soft_close(s);
	agent_end(&a);
}
END_TEST

/* Who reads it without sharing its removal keeps it; then all goes on. */
START_TEST(a_marker_that_is_open_elsewhere)
{
	struct ipclock_soft *s = must_soft(test_path);
	HANDLE reader;

	ck_assert_int_eq(ipclock_soft_acquire(s, 0), 0);
	reader = open_for_reading(test_path);
	ck_assert_int_eq(ipclock_soft_release(s), EBUSY);
	ck_assert_int_eq(ipclock_soft_held(s), 1);
	CloseHandle(reader);
	ck_assert_int_eq(ipclock_soft_release(s), 0);
	ck_assert_int_eq(ipclock_soft_close(s), 0);
}
END_TEST

START_TEST(a_soft_lock_of_another_spelling)
{
	struct ipclock_soft *s, *other;
	char path[1024], *p;

	snprintf(path, sizeof(path), "%s", test_file("gr\xc3\xbc\xc3\x9f" "e"));
	s = must_soft(path);
	for (p = path; *p != '\0'; p++)
		if (*p == '/')
			*p = '\\';
	other = must_soft(path);
	ck_assert_str_eq(ipclock_soft_path(s), ipclock_soft_path(other));
	ck_assert_int_eq(ipclock_soft_acquire(s, 0), 0);
	ck_assert_int_eq(ipclock_soft_acquire(other, 0), EBUSY);
	ipclock_soft_close(s);
	ipclock_soft_close(other);
	strcat(path, "\\");
	ck_assert_int_eq(ipclock_soft_open(&s, path, NULL), EINVAL);
}
END_TEST

/* ---- the pid file ---- */

START_TEST(A_a_pid_file_excludes)
{
	struct ipclock_pidfile *p;
	struct agent a;
	char text[32];
	pid_t other;

	agent_spawn(&a);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, &other), 0);
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	snprintf(text, sizeof(text), "%lu\n", (unsigned long)GetCurrentProcessId());
	ck_assert_str_eq(text_of(test_path), text);
	ck_assert_int_eq(agent_do(&a, "pidfile_open %s", test_path), EEXIST);
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
	ck_assert_int_eq(agent_do(&a, "pidfile_open %s", test_path), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, &other), EEXIST);
	ck_assert_int_eq(other, -1);
	ck_assert_int_eq(agent_do(&a, "pidfile_write"), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, &other), EEXIST);
	ck_assert_int_eq(other, a.pid);
	agent_kill(&a, SIGKILL);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, &other), 0);
	ck_assert_str_eq(text_of(test_path), "");
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	ck_assert_int_eq(ipclock_pidfile_remove(p), 0);
	ck_assert(!is_there(test_path));
}
END_TEST

START_TEST(a_pid_file_that_is_open_elsewhere_stays)
{
	struct ipclock_pidfile *p, *next;
	HANDLE reader;

	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	reader = open_for_reading(test_path);
	ck_assert_int_eq(ipclock_pidfile_remove(p), EBUSY);
	ck_assert_str_eq(text_of(test_path), "");
	ck_assert_int_eq(ipclock_pidfile_open(&next, test_path, 0644, NULL), 0);
	ck_assert_int_eq(ipclock_pidfile_write(p), EBADF); /* it was closed */
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
	CloseHandle(reader);
	ck_assert_int_eq(ipclock_pidfile_remove(next), 0);
	ck_assert_int_eq(files(), 0);
}
END_TEST

/* ---- replacing a file ---- */

static void
replace_with(const char *path, const char *text)
{
	struct ipclock_replace *r;
	DWORD n;

	ck_assert_int_eq(ipclock_replace_open(&r, path, 0), 0);
	ck_assert(WriteFile(handle_of(ipclock_replace_fd(r)), text, (DWORD)strlen(text), &n, NULL));
	ck_assert_msg(ipclock_replace_commit(r) == 0, "%s", ipclock_replace_message(r));
	ck_assert_int_eq(ipclock_replace_commit(r), EINVAL);
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
}

START_TEST(a_file_is_replaced)
{
	struct ipclock_replace *r;
	int handles = fd_count(), i;

	for (i = 0; i < 5; i++) {
		replace_with(test_path, "one");
		ck_assert_str_eq(text_of(test_path), "one");
		ck_assert_int_eq(ipclock_replace_open(&r, test_path, IPCLOCK_REPLACE_NEW), EEXIST);
		replace_with(test_path, "two");
		ck_assert_str_eq(text_of(test_path), "two");
		ck_assert_int_eq(ipclock_replace_open(&r, test_path, 0), 0);
		ck_assert_int_eq(files(), 2);
		ck_assert_int_eq(ipclock_replace_abort(r), 0);
		ck_assert_str_eq(text_of(test_path), "two");
		ck_assert_int_eq(files(), 1);
	}
	ck_assert_int_eq(fd_count(), handles);
}
END_TEST

START_TEST(what_a_dead_writer_left_goes)
{
	struct ipclock_replace *r;
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "replace_open %s", test_path), 0);
	ck_assert_int_eq(files(), 1);
	ck_assert_int_eq(ipclock_replace_open(&r, test_path, 0), 0);
	ck_assert_int_eq(files(), 2);
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
	ck_assert_int_eq(files(), 1);
	agent_kill(&a, SIGKILL);
	ck_assert_int_eq(ipclock_replace_open(&r, test_path, 0), 0);
	ck_assert_int_eq(files(), 1);
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
	ck_assert_int_eq(files(), 0);
}
END_TEST

START_TEST(what_a_living_writer_has_stays)
{
	struct ipclock_replace *r;
	const char *path = test_file("target");
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "replace_open %s", path), 0);
	ck_assert_ptr_null(mark(test_file(".target.ipclock-00")));
	ck_assert_int_eq(ipclock_replace_open(&r, path, 0), 0);
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
	ck_assert_int_eq(agent_do(&a, "replace_commit"), 0);
	agent_end(&a);
	ck_assert_str_eq(text_of(path), "");
	ck_assert_int_eq(files(), 1);
}
END_TEST

START_TEST(what_cannot_be_replaced)
{
	struct ipclock_replace *r;
	HANDLE reader;

	replace_with(test_path, "old");
	reader = open_for_reading(test_path);
	ck_assert_int_eq(ipclock_replace_open(&r, test_path, 0), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), EBUSY);
	ck_assert_str_eq(text_of(test_path), "old");
	CloseHandle(reader);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ck_assert_str_eq(text_of(test_path), "");
	ck_assert_int_eq(ipclock_replace_abort(r), 0);

	SetFileAttributesA(test_path, FILE_ATTRIBUTE_READONLY);
	ck_assert_int_eq(ipclock_replace_open(&r, test_path, 0), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), EACCES);
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
	SetFileAttributesA(test_path, FILE_ATTRIBUTE_HIDDEN);
	replace_with(test_path, "hidden");
	ck_assert(GetFileAttributesA(test_path) & FILE_ATTRIBUTE_HIDDEN);
	SetFileAttributesA(test_path, FILE_ATTRIBUTE_NORMAL);
	ck_assert_int_eq(files(), 1);

	ck_assert_int_eq(ipclock_replace_open(&r, test_dir, 0), EISDIR);
	ck_assert_int_eq(ipclock_replace_open(&r, test_file("no/such"), 0), ENOENT);
	ck_assert_int_eq(ipclock_replace_open(&r, "COM1", 0), EINVAL);
	ck_assert_int_eq(ipclock_replace_open(&r, test_file(".x.ipclock-07"), 0), EINVAL);
}
END_TEST

/* Where one is on a drive, and the root of one. */
START_TEST(a_relative_path_is_replaced)
{
	char before[MAX_PATH], drive[] = "C:relative";

	ck_assert(GetCurrentDirectoryA(sizeof(before), before));
	ck_assert(SetCurrentDirectoryA(test_dir));
	replace_with("plain", "1");
	ck_assert_str_eq(text_of(test_file("plain")), "1");
	ck_assert(GetCurrentDirectoryA(sizeof(before), before));
	drive[0] = before[0];
	replace_with(drive, "2");
	ck_assert_str_eq(text_of(test_file("relative")), "2");
	ck_assert(SetCurrentDirectoryA("C:\\"));
	replace_with("C:/ipclock root test", "3");
	ck_assert_str_eq(text_of("C:\\ipclock root test"), "3");
	ck_assert(DeleteFileA("C:\\ipclock root test"));
}
END_TEST

/* ---- holders, and what there is not ---- */

static int holders;

static int
count_holder(void *ctx, const struct ipclock_holder *holder)
{
	(void)ctx;
	holders++;
	ck_assert_int_eq(ipclock_holder_writes(holder), 1);
	ck_assert_int_eq(ipclock_holder_place(holder), 0);
	return 0;
}

START_TEST(a_writer_is_told)
{
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(ipclock_holders(test_path, NULL, count_holder, NULL), ENOENT);
	ck_assert_int_eq(agent_do(&a, "lock_hold %s", test_path), 0);
	ck_assert_int_eq(ipclock_holders(test_path, NULL, count_holder, NULL), 0);
	ck_assert_int_eq(holders, 1);
	agent_kill(&a, SIGKILL);
	ck_assert_int_eq(ipclock_holders(test_path, NULL, count_holder, NULL), 0);
	ck_assert_int_eq(holders, 1);
}
END_TEST

START_TEST(what_there_is_not)
{
	struct ipclock_probe *probe;
	struct ipclock_sem *sem;
	unsigned slot;

	ck_assert_int_eq(ipclock_probe(test_dir, &probe), ENOTSUP);
	ck_assert_int_eq(ipclock_sem_open_files(&sem, test_dir, "name", 2, NULL), 0);
	ck_assert_int_eq(ipclock_sem_acquire(sem, 0, &slot), ENOTSUP);
	ck_assert_int_eq(ipclock_sem_value(sem, &slot), ENOTSUP);
	ipclock_sem_close(sem);
}
END_TEST

static void
add(TCase *tcase)
{
	tcase_add_test(tcase, A_a_soft_lock_excludes);
	tcase_add_test(tcase, B_a_killed_owner_s_marker_is_stale);
	tcase_add_test(tcase, B_dead_is_what_is_proven);
	tcase_add_test(tcase, B_killed_in_the_midst);
	tcase_add_test(tcase, C_a_touch_is_seen);
	tcase_add_test(tcase, C_a_lease_is_broken_and_its_owner_told);
	tcase_add_test(tcase, a_marker_that_is_open_elsewhere);
	tcase_add_test(tcase, a_soft_lock_of_another_spelling);
	tcase_add_test(tcase, A_a_pid_file_excludes);
	tcase_add_test(tcase, a_pid_file_that_is_open_elsewhere_stays);
	tcase_add_test(tcase, a_file_is_replaced);
	tcase_add_test(tcase, what_a_dead_writer_left_goes);
	tcase_add_test(tcase, what_a_living_writer_has_stays);
	tcase_add_test(tcase, what_cannot_be_replaced);
	tcase_add_test(tcase, a_relative_path_is_replaced);
	tcase_add_test(tcase, a_writer_is_told);
	tcase_add_test(tcase, what_there_is_not);
}

int
main(int argc, char **argv)
{
	char program[MAX_PATH];

	(void)argv;
	if (argc > 1)
		return obey();
	GetModuleFileNameA(NULL, program, sizeof(program));
	setenv("AGENT", program, 1);
	return test_main("windows family", add);
}
