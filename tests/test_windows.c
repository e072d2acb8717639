/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What is different on Windows, and what the other tests there leave out. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "agent_client.h"
#include "support.h"

/* ---- paths ---- */

static void
refuse(const char *path, int error)
{
	struct ipclock *l = NULL;

	ck_assert_msg(ipclock_open(&l, path, NULL) == error, "%s: %s", path, ipclock_message(NULL));
	ck_assert_str_ne(ipclock_message(NULL), "");
	ck_assert_ptr_null(l);
}

START_TEST(G_paths_of_windows)
{
	char path[400];

	refuse("NUL", EINVAL);
	refuse("con", EINVAL);
	refuse(test_file("com1"), EINVAL);
	refuse(test_file("lpt9.lock"), EINVAL);
	refuse(test_file("Com\xc2\xb2.lock"), EINVAL);
	refuse(" ", EINVAL);
	refuse("   ", EINVAL);
	refuse("\\\\?\\C:\\lock.", EINVAL);
	refuse("//?/C:/lock ", EINVAL);
	refuse("\\\\.\\pipe\\lock", EINVAL);
	refuse(test_file("lock:stream"), EINVAL);
	refuse(test_file("not \xc3\x28 utf-8"), EINVAL);
	refuse(test_file("cut off \xe6\x97"), EINVAL);
	refuse(test_file("half a pair \xed\xa0\x80"), EINVAL);
	refuse(test_dir, EINVAL);
	snprintf(path, sizeof(path), "%s/no/such", test_dir);
	refuse(path, ENOENT);
}
END_TEST

/* Two spellings of a name in UTF-8 are one file. */
START_TEST(A_names_in_utf_8)
{
	struct ipclock *one = must_open(test_file("pr\xc3\xbc" "f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x94\x92"), 0), *two;
	char path[SLOT_SIZE], *p;
	wchar_t wide[SLOT_SIZE];

	snprintf(path, sizeof(path), "%s", ipclock_path(one));
	for (p = path; *p != '\0'; p++)
		if (*p == '/')
			*p = '\\';
	two = must_open(path, 0);
	ck_assert_int_eq(ipclock_acquire(one, 0), 0);
	ck_assert_int_eq(ipclock_acquire(two, 0), EBUSY);
	ck_assert_str_eq(ipclock_path(one), ipclock_path(two));
	ck_assert_int_gt(MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, (int)SLOT_SIZE), 0);
	ck_assert_uint_ne(GetFileAttributesW(wide), INVALID_FILE_ATTRIBUTES);
	ipclock_close(one);
	ipclock_close(two);
}
END_TEST

START_TEST(A_long_paths)
{
	struct ipclock *one, *two;
	char path[900];
	int i, n = snprintf(path, sizeof(path), "%s", test_dir);

	for (i = 0; i < 10; i++)
		n += snprintf(path + n, sizeof(path) - (size_t)n, "/%060d", i);
	snprintf(path + n, sizeof(path) - (size_t)n, "/lock");
	ck_assert_int_gt(n, 2 * MAX_PATH);
	one = must_open(path, IPCLOCK_MKDIR);
	two = must_open(path, 0);
	ck_assert_int_eq(ipclock_acquire(one, 0), 0);
	ck_assert_int_eq(ipclock_acquire(two, 0), EBUSY);
	ipclock_close(one);
	ipclock_close(two);
	/* The shell cannot. */
	for (; n > (int)strlen(test_dir); n -= 61) {
		wchar_t wide[900] = L"\\\\?\\";
		wchar_t *w;

		ck_assert_int_gt(MultiByteToWideChar(CP_UTF8, 0, path, -1, wide + 4, 800), 0);
		for (w = wide; *w != 0; w++)
			if (*w == '/')
				*w = '\\';
		ck_assert(DeleteFileW(wide) || RemoveDirectoryW(wide));
		path[n] = '\0';
	}
}
END_TEST

/* ---- the file ---- */

/* Others neither remove nor rename it, and read and write what is in it. */
START_TEST(A_file_stays_while_it_is_open)
{
	struct ipclock *l = must_open(test_path, 0);
	char text[8] = "";
	FILE *file;

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert(!DeleteFileA(test_path));
	ck_assert(!MoveFileA(test_path, test_file("other")));
	file = fopen(test_path, "w+");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fputs("text", file), 0);
	rewind(file);
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	ck_assert_str_eq(text, "text");
	fclose(file);
	ipclock_close(l);
	ck_assert(DeleteFileA(test_path));
}
END_TEST

START_TEST(C_handle_is_not_inherited)
{
	struct ipclock *l = must_open(test_path, 0);
	DWORD flags = ~(DWORD)0;

	ck_assert(GetHandleInformation((HANDLE)(intptr_t)ipclock_fd(l), &flags));
	ck_assert_uint_eq(flags & HANDLE_FLAG_INHERIT, 0);
	ck_assert_int_eq(ipclock_pollfd(l), -1);
	ipclock_close(l);
}
END_TEST

START_TEST(C_handle_of_the_caller)
{
	HANDLE file = CreateFileA(test_path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
	    OPEN_ALWAYS, 0, NULL);
	struct ipclock *l, *other = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_open_fd(&l, (int)(intptr_t)file, NULL), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_acquire(other, 20), ETIMEDOUT);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_acquire(other, 0), 0);
	/* Not overlapped, it would wait for ever if asked to wait. */
	ck_assert_int_eq(ipclock_acquire(l, 50), ETIMEDOUT);
	ck_assert_int_eq(ipclock_close(l), 0);
	ck_assert(CloseHandle(file));
	ipclock_close(other);
}
END_TEST

START_TEST(I_what_is_not_there_is_said)
{
	static const unsigned flags[] = { IPCLOCK_UNLINK, IPCLOCK_INHERIT };
	struct ipclock_attr *attr;
	struct ipclock *l;
	size_t i;

	for (i = 0; i < 2; i++) {
		attr = attr_with(flags[i], NULL);
		ck_assert_int_eq(ipclock_open(&l, test_path, attr), ENOTSUP);
		ck_assert_str_ne(ipclock_message(NULL), "");
		ipclock_attr_free(attr);
	}
	attr = attr_with(0, NULL);
	ck_assert_int_eq(ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK), 0);
	ck_assert(ipclock_open(&l, test_path, attr) == ENOTSUP || ipclock_acquire(l, 0) == ENOTSUP);
	ipclock_attr_free(attr);
}
END_TEST

/* fasteners, filelock and locket lock the first byte. */
START_TEST(A_first_byte)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *l;
	struct agent peer;

	agent_spawn(&peer);
	ck_assert_int_eq(ipclock_attr_set_range(attr, 0, 1), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0 1", test_path), EAGAIN);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0 1", test_path), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	agent_end(&peer);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ipclock_close(l);
	ipclock_attr_free(attr);
}
END_TEST

/* ---- waits ---- */

#define WAITS 1000

static atomic_int stop;

static int
hold_and_let_go(void *lock)
{
	unsigned seed = 1;

	while (!atomic_load(&stop)) {
		if (ipclock_acquire(lock, IPCLOCK_FOREVER) != 0)
			return 1;
		nap_ms(rand_r(&seed) % 8);
		if (ipclock_release(lock) != 0)
			return 2;
		nap_ms(rand_r(&seed) % 3);
	}
	return 0;
}

/* All of them, not files alone. */
static int
handles(void)
{
	DWORD flags;
	intptr_t h;
	int n = 0;

	for (h = 4; h < 16 * 1024; h += 4)
		n += GetHandleInformation((HANDLE)h, &flags) != 0;
	return n;
}

static int64_t
now_us(void)
{
	LARGE_INTEGER count, frequency;

	QueryPerformanceCounter(&count);
	QueryPerformanceFrequency(&frequency);
	return count.QuadPart / frequency.QuadPart * 1000000 + count.QuadPart % frequency.QuadPart * 1000000 / frequency.QuadPart;
}

/* Timeouts about as long as the holds. */
START_TEST(E_G_a_thousand_timed_waits)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	int64_t earliest = INT64_MAX, latest = 0;
	int i, before, after, granted = 0;
	unsigned seed = 2;
	struct thread t;

	in_thread(hold_and_let_go, (atomic_store(&stop, 1), holder));
	before = handles();
	atomic_store(&stop, 0);
	thread_start(&t, hold_and_let_go, holder);
	for (i = 0; i < WAITS; i++) {
		int timeout_ms = 1 + rand_r(&seed) % 10;
		int64_t begin = now_us(), beyond;
		int error = ipclock_acquire(l, timeout_ms);

		beyond = now_us() - begin - timeout_ms * 1000;
		if (error == 0) {
			granted++;
			ck_assert_int_eq(ipclock_release(l), 0);
			continue;
		}
		ck_assert_int_eq(error, ETIMEDOUT);
		earliest = beyond < earliest ? beyond : earliest;
		latest = beyond > latest ? beyond : latest;
	}
	atomic_store(&stop, 1);
	ck_assert_int_eq(thread_join(&t), 0);
	after = handles();
	printf("# timed waits: %d granted, %d timed out, %ld us to %ld us after the deadline; handles %d -> %d\n", granted,
	    WAITS - granted, (long)earliest, (long)latest, before, after);
	ck_assert_int_gt(granted, 0);
	ck_assert_int_lt(granted, WAITS);
	ck_assert_int_ge(earliest, -1000);
	ck_assert_int_le(after, before + 1); /* the system's libraries make one when threads first meet */
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

#define WRITERS 8
#define GRANTS  (10 * WRITERS) /* without a queue in the kernel each takes a pause */

/* How often each of those who ask all the time is granted; the sum is GRANTS. */
static void
compete(unsigned flags, int *grants)
{
	struct agent a[WRITERS];
	int i, sum = 0;

	for (i = 0; i < WRITERS; i++) {
		grants[i] = 0;
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "open l %s flags=%u", test_path, flags), 0);
	}
	for (i = 0; i < WRITERS; i++)
		agent_send(&a[i], "acquire l -1");
	while (sum < GRANTS) {
		for (i = 0; !agent_answered(&a[i]); i = (i + 1) % WRITERS)
			if (i == WRITERS - 1)
				SwitchToThread();
		ck_assert_int_eq(agent_answer(&a[i]), 0);
		grants[i]++;
		sum++;
		ck_assert_int_eq(agent_do(&a[i], "release l"), 0);
		agent_send(&a[i], "acquire l -1");
	}
	for (i = 0; i < WRITERS; i++)
		agent_kill(&a[i], SIGKILL);
}

static void
range_of(const int *grants, int *least, int *most)
{
	int i;

	*least = *most = grants[0];
	for (i = 1; i < WRITERS; i++) {
		*least = grants[i] < *least ? grants[i] : *least;
		*most = grants[i] > *most ? grants[i] : *most;
	}
}

/* Who released stands at the end of the line again. */
START_TEST(F_eight_writers_by_turns)
{
	int grants[WRITERS], least, most, unfair_least, unfair_most;

	compete(IPCLOCK_UNFAIR, grants);
	range_of(grants, &unfair_least, &unfair_most);
	compete(0, grants);
	range_of(grants, &least, &most);
	printf("# %d grants to %d writers: in order %d to %d each, unfair %d to %d\n", GRANTS, WRITERS, least, most,
	    unfair_least, unfair_most);
	/* Whoever is slow to look may be passed, but not for ever. */
	ck_assert_int_ge(least, GRANTS / WRITERS / 2);
	ck_assert_int_le(most, GRANTS / WRITERS * 2);
	ck_assert_int_eq(line_length(test_path, 0), 0);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, A_names_in_utf_8);
	tcase_add_test(t, A_long_paths);
	tcase_add_test(t, A_file_stays_while_it_is_open);
	tcase_add_test(t, A_first_byte);
	tcase_add_test(t, C_handle_is_not_inherited);
	tcase_add_test(t, C_handle_of_the_caller);
	tcase_add_test(t, E_G_a_thousand_timed_waits);
	tcase_add_test(t, F_eight_writers_by_turns);
	tcase_add_test(t, G_paths_of_windows);
	tcase_add_test(t, I_what_is_not_there_is_said);
}

int
main(void)
{
	return test_main("windows", add);
}
