/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Replacing a file as a whole.  Most tests run twice: on the system as it is,
 * and with a filter that lets the kernel refuse O_TMPFILE, as many file systems
 * do, so that the new file has a name from the start.  The filter stays for the
 * life of its process: with CK_FORK=no run one test alone.
 */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support.h"

#define NOBODY 65534
#define ACL    "system.posix_acl_access"

enum { AS_IS, NAMED, WAYS };

static int ways = WAYS;

/* ---- a kernel that refuses ---- */

static int
filter(struct sock_filter *code, size_t n)
{
	struct sock_fprog program = { .len = (unsigned short)n, .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -1;
}

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define LOAD_LOW(i) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(offsetof(struct seccomp_data, args[i]) + \
	    (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define SAY(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)(error))

static int
refuse_nameless(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 3),
		LOAD_LOW(2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		SAY(EOPNOTSUPP),
		ALLOW,
	};

	return filter(code, LENGTH(code));
}

/* That system call fails. */
static int
refuse_call(int number, int error)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		SAY(error),
		ALLOW,
	};

	return filter(code, LENGTH(code));
}

/* fsync(2) fails of this descriptor, or of all others. */
static int
refuse_fsync(int fd, int others, int error)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fsync, 0, 3),
		LOAD_LOW(0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)fd, others ? 1 : 0, others ? 0 : 1),
		SAY(error),
		ALLOW,
	};

	return filter(code, LENGTH(code));
}

static void
begin(int way)
{
	if (way == NAMED)
		ck_assert_int_eq(refuse_nameless(), 0);
}

static int
try_filter(void *arg)
{
	(void)arg;
	return refuse_nameless();
}

/* ---- files ---- */

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

static const char *
get(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? NULL : text;
}

static int
has(const char *path, const char *text)
{
	const char *found = get(path);

	return found != NULL && strcmp(found, text) == 0;
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Names in the test's directory, all of them or the dotted ones. */
static int
entries(int dotted)
{
	DIR *dir = opendir(test_dir);
	struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && (!dotted || e->d_name[0] == '.'))
			n++;
	closedir(dir);
	return n;
}

static const char *
temp(unsigned i)
{
	char name[64];

	snprintf(name, sizeof(name), ".lock.ipclock-%02u", i);
	return test_file(name);
}

static struct ipclock_replace *
start(const char *path, unsigned flags, const char *text)
{
	struct ipclock_replace *r;

	ck_assert_int_eq(ipclock_replace_open(&r, path, flags), 0);
	ck_assert_int_eq((int)write(ipclock_replace_fd(r), text, strlen(text)), (int)strlen(text));
	return r;
}

static int
replace(const char *path, unsigned flags, const char *text)
{
	struct ipclock_replace *r;
	int error = ipclock_replace_open(&r, path, flags);

	if (error)
		return error;
	if (write(ipclock_replace_fd(r), text, strlen(text)) != (ssize_t)strlen(text))
		error = errno;
	if (error == 0)
		error = ipclock_replace_commit(r);
	ipclock_replace_abort(r);
	return error;
}

static void
refuse(const char *path, unsigned flags, int error)
{
	struct ipclock_replace *r = (struct ipclock_replace *)&r;
	int fds = fd_count();

	errno = 77;
	ck_assert_int_eq(ipclock_replace_open(&r, path, flags), error);
	ck_assert_int_eq(errno, 77);
	ck_assert_ptr_null(r);
	ck_assert_str_ne(ipclock_message(NULL), "");
	ck_assert_int_eq(fd_count(), fds);
}

/* ---- contents ---- */

START_TEST(replaces_and_makes)
{
	struct ipclock_replace *r;
	int fds = fd_count();

	begin(_i);
	umask(027);
	ck_assert_int_eq(replace(test_path, 0, "one"), 0);
	ck_assert(has(test_path, "one"));
	ck_assert_uint_eq(mode_of(test_path), 0640);
	r = start(test_path, 0, "two");
	ck_assert(has(test_path, "one"));
	ck_assert_int_eq(entries(1), _i == NAMED); /* the filter works, and without it there is no name */
	ck_assert_str_eq(ipclock_replace_path(r), test_path);
	ck_assert(fcntl(ipclock_replace_fd(r), F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ck_assert_str_eq(ipclock_replace_message(r), "");
	ck_assert(has(test_path, "two"));
	ck_assert_int_eq(ipclock_replace_commit(r), EINVAL);
	ck_assert_str_ne(ipclock_replace_message(r), "");
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
	ck_assert(has(test_path, "two"));
	ck_assert_uint_eq(mode_of(test_path), 0640);
	ck_assert_int_eq(entries(0), 1);
	ck_assert_int_eq(fd_count(), fds);
}
END_TEST

START_TEST(G_abort_leaves_nothing)
{
	struct ipclock_replace *r;
	int fds = fd_count();

	begin(_i);
	r = start(test_path, 0, "never");
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
	ck_assert_int_eq(entries(0), 0);
	put(test_path, "old");
	r = start(test_path, 0, "never");
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
	ck_assert(has(test_path, "old"));
	ck_assert_int_eq(entries(0), 1);
	ck_assert_int_eq(fd_count(), fds);
}
END_TEST

#define BLOCK 50000

struct reader {
	int told[2], stop[2];
};

/* Reads the file until told to stop: every byte of a version is the same letter, and none is missing. */
static int
read_whole_files(void *arg)
{
	static char block[BLOCK + 1];
	struct reader *reader = arg;
	char end;
	long n;

	fcntl(reader->stop[0], F_SETFL, O_NONBLOCK);
	for (n = 0; read(reader->stop[0], &end, 1) < 0; n++) {
		int fd = open(test_path, O_RDONLY);

		if (fd < 0 || read(fd, block, sizeof(block)) != BLOCK || memcmp(block, block + 1, BLOCK - 1) != 0)
			return 1;
		close(fd);
		if (n == 0 && write(reader->told[1], "", 1) != 1)
			return 2;
	}
	return 0;
}

START_TEST(readers_see_whole_files)
{
	static char block[BLOCK];
	struct ipclock_replace *r;
	struct reader reader;
	char begun;
	pid_t pid = -1;
	int i;

	begin(_i);
	ck_assert(pipe(reader.told) == 0 && pipe(reader.stop) == 0);
	for (i = 0; i < 300; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		ck_assert_int_eq(ipclock_replace_open(&r, test_path, 0), 0);
		ck_assert_int_eq((int)write(ipclock_replace_fd(r), block, BLOCK / 2), BLOCK / 2);
		ck_assert_int_eq((int)write(ipclock_replace_fd(r), block, BLOCK / 2), BLOCK / 2);
		ck_assert_int_eq(ipclock_replace_commit(r), 0);
		ipclock_replace_abort(r);
		if (i > 0)
			continue;
		pid = fork();
		if (pid == 0)
			_exit(read_whole_files(&reader));
		ck_assert_int_eq((int)read(reader.told[0], &begun, 1), 1);
	}
	ck_assert_int_eq((int)write(reader.stop[1], "", 1), 1);
	ck_assert_int_eq(child_result(pid), 0);
}
END_TEST

static int
replace_often(void *arg)
{
	char text[32];
	int i;

	snprintf(text, sizeof(text), "%s of many", (const char *)arg);
	for (i = 0; i < 100; i++)
		if (replace(test_path, 0, text) != 0)
			return 1;
	return 0;
}

START_TEST(writers_at_once)
{
	static const char *names[] = { "first", "second", "third", "fourth" };
	pid_t pids[4];
	int i;

	begin(_i);
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(replace_often((void *)(uintptr_t)names[i]));
	}
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(child_result(pids[i]), 0);
	ck_assert_ptr_nonnull(strstr(get(test_path), " of many"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

START_TEST(the_last_to_commit_wins)
{
	struct ipclock_replace *a, *b;

	begin(_i);
	a = start(test_path, 0, "a");
	b = start(test_path, 0, "b");
	ck_assert_int_eq(ipclock_replace_commit(b), 0);
	ck_assert(has(test_path, "b"));
	ck_assert_int_eq(ipclock_replace_commit(a), 0);
	ck_assert(has(test_path, "a"));
	ipclock_replace_abort(a);
	ipclock_replace_abort(b);
	ck_assert(has(test_path, "a"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

/* Other names of the old file keep the old contents. */
START_TEST(hard_links)
{
	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(link(test_path, test_file("other")), 0);
	ck_assert_int_eq(replace(test_path, 0, "new"), 0);
	ck_assert(has(test_file("other"), "old"));
	ck_assert(has(test_path, "new"));
}
END_TEST

/* ---- metadata ---- */

/* An entry of an ACL as the kernel takes it, little-endian. */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct acl_entry entry[5];
};

#define ACL_OF(owner, user, perm, group, mask, other) { 2, { { 0x01, (owner), UINT32_MAX }, { 0x02, (perm), (user) }, \
	{ 0x04, (group), UINT32_MAX }, { 0x10, (mask), UINT32_MAX }, { 0x20, (other), UINT32_MAX } } }

static int
can_acl(const char *path, const char *name, const struct acl *acl)
{
	if (setxattr(path, name, acl, sizeof(*acl), 0) == 0)
		return 1;
	test_skip("access control lists: not on this file system");
	return 0;
}

START_TEST(keeps_mode_acl_and_attributes)
{
	static const struct acl acl = ACL_OF(7, 1234, 5, 4, 5, 1);
	struct acl found;
	char value[16];
	int coloured;

	begin(_i);
	put(test_path, "old");
	coloured = setxattr(test_path, "user.colour", "green", 5, 0) == 0;
	ck_assert_int_eq(chmod(test_path, 04511), 0);
	ck_assert_int_eq(replace(test_path, 0, "new"), 0);
	ck_assert_uint_eq(mode_of(test_path), 04511);
	ck_assert(has(test_path, "new"));
	if (!coloured)
		test_skip("user attributes: not on this file system");
	else
		ck_assert_int_eq((int)getxattr(test_path, "user.colour", value, sizeof(value)), 5);
	if (!can_acl(test_path, ACL, &acl))
		return;
	ck_assert_int_eq(replace(test_path, 0, "newer"), 0);
	ck_assert_int_eq((int)getxattr(test_path, ACL, &found, sizeof(found)), (int)sizeof(found));
	ck_assert_int_eq(memcmp(&found, &acl, sizeof(acl)), 0);
	ck_assert_uint_eq(mode_of(test_path), 0751 | 04000);
}
END_TEST

/* The mode of a file without an ACL must not bring to life what the directory's default ACL gives a new one. */
START_TEST(default_acl_widens_nothing)
{
	static const struct acl acl = ACL_OF(7, 1234, 6, 7, 7, 0);
	struct acl found;

	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(chmod(test_path, 0640), 0);
	if (!can_acl(test_dir, "system.posix_acl_default", &acl))
		return;
	ck_assert_int_eq(replace(test_path, 0, "new"), 0);
	ck_assert_uint_eq(mode_of(test_path), 0640);
	ck_assert_int_lt((int)getxattr(test_path, ACL, &found, sizeof(found)), 0);
	ck_assert_int_eq(replace(test_file("other"), 0, "new"), 0);
	ck_assert_int_gt((int)getxattr(test_file("other"), ACL, &found, sizeof(found)), 0);
}
END_TEST

START_TEST(keeps_owner)
{
	struct stat st;

	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(chown(test_path, 1234, 2345), 0);
	ck_assert_int_eq(chmod(test_path, 06755), 0);
	ck_assert_int_eq(replace(test_path, 0, "new"), 0);
	ck_assert_int_eq(stat(test_path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 1234);
	ck_assert_uint_eq(st.st_gid, 2345);
	ck_assert_uint_eq(st.st_mode & 07777, 06755);
}
END_TEST

struct stranger {
	gid_t group;
	int error;
};

/* As another user, a member of one more group. */
static int
replace_as_stranger(void *arg)
{
	struct stranger *s = arg;

	if (setgroups(1, &s->group) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		return 1000;
	return replace(test_path, 0, "new");
}

static void
expect_mode(unsigned before, gid_t group, gid_t of, unsigned after)
{
	struct stranger s = { .group = of };
	struct stat st;

	unlink(test_path);
	put(test_path, "old");
	ck_assert_int_eq(chown(test_path, 0, group), 0);
	ck_assert_int_eq(chmod(test_path, before), 0);
	ck_assert_int_eq(in_child(replace_as_stranger, &s), 0);
	ck_assert_int_eq(stat(test_path, &st), 0);
	ck_assert_uint_eq(st.st_uid, NOBODY);
	ck_assert_uint_eq(st.st_gid, of == group ? group : NOBODY);
	ck_assert_uint_eq(st.st_mode & 07777, after);
}

START_TEST(never_widens)
{
	static const struct acl acl = ACL_OF(6, 1234, 6, 0, 6, 4);
	struct stranger s = { .group = 3456 };

	begin(_i);
	ck_assert_int_eq(chmod(test_dir, 0777), 0);
	expect_mode(04755, 2345, 2345, 0755);
	expect_mode(06775, 2345, 3456, 0755);
	expect_mode(0664, 2345, 3456, 0644);
	expect_mode(0640, 2345, 3456, 0600);
	expect_mode(0604, 2345, 3456, 0600);
	expect_mode(0640, 2345, 2345, 0640);
	expect_mode(0400, 2345, 2345, 0400);
	put(test_path, "old");
	if (!can_acl(test_path, ACL, &acl))
		return;
	ck_assert_uint_eq(mode_of(test_path), 0664);
	ck_assert_int_eq(in_child(replace_as_stranger, &s), 0);
	ck_assert_uint_eq(mode_of(test_path) & 077, 0);
}
END_TEST

/* A target that comes or goes between open and commit. */
START_TEST(metadata_is_of_the_commit)
{
	struct ipclock_replace *r;

	begin(_i);
	r = start(test_path, 0, "new");
	put(test_path, "old");
	ck_assert_int_eq(chmod(test_path, 0750), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert_uint_eq(mode_of(test_path), 0750);
	r = start(test_path, 0, "newer");
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert_uint_eq(mode_of(test_path), 0600);
}
END_TEST

/* ---- names ---- */

START_TEST(symbolic_links)
{
	begin(_i);
	ck_assert_int_eq(mkdir(test_file("sub"), 0777), 0);
	ck_assert_int_eq(symlink("sub/again", test_file("link")), 0);
	ck_assert_int_eq(symlink("../lock", test_file("sub/again")), 0);
	ck_assert_int_eq(symlink("loop", test_file("loop")), 0);
	refuse(test_file("link"), 0, ELOOP);
	refuse(test_file("link"), IPCLOCK_REPLACE_NEW, EEXIST);
	refuse(test_file("loop"), IPCLOCK_REPLACE_FOLLOW, ELOOP);
	ck_assert_int_eq(replace(test_file("link"), IPCLOCK_REPLACE_FOLLOW | IPCLOCK_REPLACE_NEW, "one"), 0);
	ck_assert(has(test_path, "one"));
	refuse(test_file("link"), IPCLOCK_REPLACE_FOLLOW | IPCLOCK_REPLACE_NEW, EEXIST);
	ck_assert_int_eq(replace(test_file("link"), IPCLOCK_REPLACE_FOLLOW, "two"), 0);
	ck_assert(has(test_path, "two"));
	ck_assert(has(test_file("link"), "two"));
	ck_assert_int_eq(entries(0), 4);
	ck_assert_int_eq(entries(1), 0);
}
END_TEST

/* IPCLOCK_REPLACE_NEW, and commit once more when the cause is gone. */
static void
check_new(void)
{
	struct ipclock_replace *r;

	put(test_path, "old");
	refuse(test_path, IPCLOCK_REPLACE_NEW, EEXIST);
	ck_assert_int_eq(unlink(test_path), 0);
	r = start(test_path, IPCLOCK_REPLACE_NEW, "new");
	put(test_path, "quicker");
	ck_assert_int_eq(ipclock_replace_commit(r), EEXIST);
	ck_assert_ptr_nonnull(strstr(ipclock_replace_message(r), test_path));
	ck_assert(has(test_path, "quicker"));
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "new"));
	ck_assert_int_eq(entries(0), 1);
}

START_TEST(only_if_new)
{
	begin(_i);
	check_new();
}
END_TEST

START_TEST(only_if_new_by_link)
{
	begin(_i);
	ck_assert_int_eq(refuse_call(__NR_renameat2, EINVAL), 0);
	check_new();
}
END_TEST

/* Who comes between the look and the rename: the kernel refuses. */
static int
make_new(void *arg)
{
	struct reader *race = arg;
	struct ipclock_replace *r = start(test_path, IPCLOCK_REPLACE_NEW, "x");
	char c;
	int error;

	if (write(race->told[1], "", 1) != 1 || read(race->stop[0], &c, 1) != 1)
		return 1;
	error = ipclock_replace_commit(r);
	ipclock_replace_abort(r);
	return error == 0 ? 0 : error == EEXIST ? 2 : 3;
}

START_TEST(one_of_many_is_new)
{
	struct reader race;
	int i, won = 0, r;
	pid_t pids[8];
	char c;

	begin(_i);
	ck_assert(pipe(race.told) == 0 && pipe(race.stop) == 0);
	for (i = 0; i < 8; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(make_new(&race));
	}
	for (i = 0; i < 8; i++)
		ck_assert_int_eq((int)read(race.told[0], &c, 1), 1);
	ck_assert_int_eq((int)write(race.stop[1], "12345678", 8), 8);
	for (i = 0; i < 8; i++) {
		r = child_result(pids[i]);
		ck_assert(r == 0 || r == 2);
		won += r == 0;
	}
	ck_assert_int_eq(won, 1);
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

START_TEST(chdir_and_renamed_directory)
{
	struct ipclock_replace *r;

	begin(_i);
	ck_assert_int_eq(mkdir(test_file("sub"), 0777), 0);
	ck_assert_int_eq(chdir(test_file("sub")), 0);
	r = start("file", 0, "new");
	ck_assert_str_eq(ipclock_replace_path(r), test_file("sub/file"));
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rename(test_file("sub"), test_file("moved")), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert(has(test_file("moved/file"), "new"));
}
END_TEST

/* The longest names: shortened alike, they share the names of new files and still do not disturb each other. */
START_TEST(long_names)
{
	struct ipclock_replace *r, *s;
	char name[NAME_MAX + 1], path[PATH_MAX], other[PATH_MAX], cut[PATH_MAX];

	begin(_i);
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	snprintf(path, sizeof(path), "%s/%s", test_dir, name);
	name[NAME_MAX - 1] = 'o';
	snprintf(other, sizeof(other), "%s/%s", test_dir, name);
	r = start(path, 0, "one");
	s = start(other, 0, "two");
	ck_assert_int_eq(entries(1), _i == NAMED ? 2 : 0);
	ck_assert_int_eq(ipclock_replace_commit(s), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ipclock_replace_abort(s);
	ck_assert(has(path, "one"));
	ck_assert(has(other, "two"));
	/* A dead one's, cut before the two-byte letter that would be divided. */
	memcpy(name + NAME_MAX - 13, "\xc3\xa9", 2);
	snprintf(path, sizeof(path), "%s/%s", test_dir, name);
	snprintf(cut, sizeof(cut), "%s/.%.*s.ipclock-07", test_dir, NAME_MAX - 13, name);
	put(cut, "dead");
	ck_assert_int_eq(replace(path, 0, "three"), 0);
	ck_assert_int_lt(access(cut, F_OK), 0);
	ck_assert_int_eq(entries(0), 3);
}
END_TEST

/* ---- the dead and the living ---- */

static int
open_and_die(void *arg)
{
	(void)arg;
	start(test_path, 0, "half");
	return raise(SIGKILL);
}

START_TEST(B_what_the_dead_left_is_removed)
{
	int in_all = _i == NAMED;

	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(in_child(open_and_die, NULL), 1000 + SIGKILL);
	ck_assert(has(test_path, "old"));
	ck_assert_int_eq(entries(1), in_all);
	put(temp(5), "dead");
	put(temp(31), "dead");
	ck_assert_int_eq(replace(test_path, 0, "new"), 0);
	ck_assert(has(test_path, "new"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

/* Replaces for ever, and says so each time; an error, such as that its file was taken for a dead one's, ends it. */
static _Noreturn void
replace_for_ever(int told)
{
	for (;;) {
		if (replace(test_path, 0, "whole") != 0)
			_exit(1);
		if (write(told, "", 1) != 1)
			_exit(2);
	}
}

static int
hear(int told)
{
	char c;

	return read(told, &c, 1) == 1;
}

/* Some are killed wherever they are, while others clean up after them: nobody living loses a file. */
START_TEST(B_killed_among_others)
{
	const char *count = getenv("IPCLOCK_TORTURE");
	int told[4][2], i, w, kills = count != NULL ? atoi(count) / 100 : 100;
	pid_t pids[4] = { 0 };

	begin(_i);
	for (i = 0; i < kills + 4; i++) {
		w = i % 4;
		if (pids[w] != 0) {
			ck_assert_int_eq(kill(pids[w], SIGKILL), 0);
			ck_assert_int_eq(child_result(pids[w]), 1000 + SIGKILL);
			close(told[w][0]);
		}
		ck_assert_int_eq(pipe(told[w]), 0);
		pids[w] = fork();
		if (pids[w] == 0)
			replace_for_ever(told[w][1]);
		close(told[w][1]);
		ck_assert(hear(told[w][0]));
		ck_assert(has(test_path, "whole"));
	}
	for (w = 0; w < 4; w++) {
		ck_assert_int_eq(kill(pids[w], SIGKILL), 0);
		ck_assert_int_eq(child_result(pids[w]), 1000 + SIGKILL);
	}
	ck_assert_int_le(entries(1), 4);
	ck_assert_int_eq(replace(test_path, 0, "last"), 0);
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

/* Names that are not of this target, or not files, stay. */
START_TEST(H_nothing_else_is_removed)
{
	static const char *names[] = { ".lock.ipclock-32", ".lock.ipclock-0", ".lock.ipclock-000", ".other.ipclock-00",
		"lock.ipclock-00" };
	size_t i;

	begin(_i);
	for (i = 0; i < LENGTH(names); i++)
		put(test_file(names[i]), "");
	ck_assert_int_eq(mkfifo(temp(0), 0666), 0);
	ck_assert_int_eq(mkdir(temp(1), 0777), 0);
	ck_assert_int_eq(symlink("lock", temp(2)), 0);
	ck_assert_int_eq(replace(test_path, 0, "one"), 0);
	ck_assert_int_eq(replace(test_path, 0, "two"), 0);
	ck_assert(has(test_path, "two"));
	ck_assert_int_eq(entries(0), (int)LENGTH(names) + 4);
}
END_TEST

static int
replace_elsewhere(void *arg)
{
	return replace(test_path, 0, arg);
}

START_TEST(the_living_keep_theirs)
{
	struct ipclock_replace *r;
	int fd;

	begin(_i);
	r = start(test_path, 0, "patient");
	put(temp(1), "another's");
	fd = open(temp(1), O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(in_child(replace_elsewhere, (void *)(uintptr_t)"quick"), 0);
	ck_assert_int_eq(replace(test_path, 0, "quicker"), 0);
	ck_assert_int_eq(access(temp(1), F_OK), 0);
	ck_assert_int_eq(entries(1), 1 + (_i == NAMED));
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "patient"));
	ck_assert_int_eq(entries(1), 1);
	close(fd);
}
END_TEST

START_TEST(all_names_are_taken)
{
	struct ipclock_replace *r = NULL;
	int fds[32], i;

	begin(_i);
	for (i = 0; i < 32; i++) {
		put(temp((unsigned)i), "");
		fds[i] = open(temp((unsigned)i), O_RDONLY);
		ck_assert_int_eq(flock(fds[i], LOCK_EX), 0);
	}
	if (_i == NAMED) {
		refuse(test_path, 0, EBUSY);
	} else {
		r = start(test_path, 0, "new");
		ck_assert_int_eq(ipclock_replace_commit(r), EBUSY);
		ck_assert_int_lt(access(test_path, F_OK), 0);
	}
	close(fds[17]);
	if (_i == NAMED)
		r = start(test_path, 0, "new");
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "new"));
	ck_assert_int_eq(entries(0), 32);
}
END_TEST

/* After the commit nobody holds the file, although a child still has the description. */
START_TEST(A_the_new_file_is_not_locked)
{
	struct ipclock_replace *r;
	int stop[2], fd;
	pid_t pid;

	begin(_i);
	ck_assert_int_eq(pipe(stop), 0);
	r = start(test_path, 0, "new");
	pid = fork();
	if (pid == 0) {
		char c;

		close(stop[1]);
		_exit((int)read(stop[0], &c, 1));
	}
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	fd = open(test_path, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
	close(stop[1]);
	ck_assert_int_eq(child_result(pid), 0);
	ipclock_replace_abort(r);
}
END_TEST

static int
try_lock(void *arg)
{
	int fd = open(arg, O_RDWR);

	return raw_lock(fd, F_WRLCK, 0, 0);
}

/* Looking at the target must not drop the process's classic locks on it. */
START_TEST(C_classic_locks_on_the_target)
{
	struct ipclock_replace *r;
	int fd;

	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(link(test_path, test_file("old")), 0);
	fd = open(test_path, O_RDWR);
	ck_assert_int_eq(raw_lock(fd, F_WRLCK, 0, 0), 0);
	r = start(test_path, 0, "new");
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert_int_ne(in_child(try_lock, (void *)(uintptr_t)test_file("old")), 0);
	close(fd);
}
END_TEST

/* ---- fork ---- */

static int
use_parents(void *arg)
{
	struct ipclock_replace *r = arg;

	if (ipclock_replace_commit(r) != EPERM || *ipclock_replace_message(r) == '\0')
		return 1;
	return ipclock_replace_abort(r) == EPERM ? 0 : 2;
}

/* A daemon: closes all that it does not know, and opens files of its own under the same numbers. */
static int
abort_over_own_files(void *arg)
{
	struct ipclock_replace *r = arg;
	int fd = ipclock_replace_fd(r);

	if (dup2(STDERR_FILENO, fd) != fd)
		return 1;
	if (ipclock_replace_abort(r) != EPERM)
		return 2;
	return fcntl(fd, F_GETFD) < 0 ? 3 : 0;
}

START_TEST(D_fork)
{
	struct ipclock_replace *r;

	begin(_i);
	put(test_path, "old");
	r = start(test_path, 0, "new");
	ck_assert_int_eq(in_child(use_parents, r), 0);
	ck_assert_int_eq(in_child(abort_over_own_files, r), 0);
	ck_assert(has(test_path, "old"));
	ck_assert_int_eq(replace(test_path, 0, "between"), 0); /* the parent's lock is still there */
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "new"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

/* ---- errors ---- */

START_TEST(bad_input)
{
	static char longest[PATH_MAX + 100];
	struct ipclock_replace *r;

	begin(_i);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	refuse(longest, 0, EINVAL);
	refuse(NULL, 0, EINVAL);
	refuse("", 0, EINVAL);
	refuse(test_path, 4, EINVAL);
	ck_assert_int_eq(ipclock_replace_open(NULL, test_path, 0), EINVAL);
	refuse("/", 0, EISDIR);
	refuse(test_dir, 0, EISDIR);
	refuse(test_file("lock/"), 0, EISDIR);
	refuse(test_file("."), 0, EISDIR);
	refuse(test_file(".."), 0, EISDIR);
	refuse("/dev/null", 0, EINVAL);
	refuse(temp(0), 0, EINVAL);
	refuse(test_file("no/such"), 0, ENOENT);
	put(test_path, "old");
	refuse(test_file("lock/such"), 0, ENOTDIR);
	longest[NAME_MAX + 2] = '\0';
	refuse(longest, 0, ENAMETOOLONG);
	ck_assert_int_eq(mkfifo(test_file("fifo"), 0666), 0);
	refuse(test_file("fifo"), 0, EINVAL);
	ck_assert_int_eq(ipclock_replace_commit(NULL), EINVAL);
	ck_assert_int_eq(ipclock_replace_abort(NULL), EINVAL);
	ck_assert_int_eq(ipclock_replace_fd(NULL), -1);
	ck_assert_ptr_null(ipclock_replace_path(NULL));
	ck_assert_str_ne(ipclock_replace_message(NULL), "");
	ck_assert_int_eq(ipclock_replace_open(&r, temp(100), 0), 0); /* three digits: an ordinary name */
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
	ck_assert_int_eq(entries(0), 2);
}
END_TEST

/* What takes the target's place meanwhile; and commit goes on when it has gone. */
START_TEST(surprises_at_commit)
{
	struct ipclock_replace *r;

	begin(_i);
	r = start(test_path, 0, "new");
	ck_assert_int_eq(mkdir(test_path, 0777), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), EISDIR);
	ck_assert_int_eq(rmdir(test_path), 0);
	ck_assert_int_eq(symlink("other", test_path), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), ELOOP);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(mkfifo(test_path, 0666), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), EINVAL);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "new"));
	r = start(test_path, 0, "newer");
	close(ipclock_replace_fd(r));
	ck_assert_int_eq(ipclock_replace_commit(r), EBADF);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "new"));
}
END_TEST

START_TEST(removed_directory)
{
	struct ipclock_replace *r;

	begin(_i);
	ck_assert_int_eq(mkdir(test_file("sub"), 0777), 0);
	r = start(test_file("sub/file"), 0, "new");
	if (_i == NAMED)
		ck_assert_int_eq(unlink(test_file("sub/.file.ipclock-00")), 0);
	ck_assert_int_eq(rmdir(test_file("sub")), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), ENOENT);
	ck_assert_int_eq(ipclock_replace_abort(r), 0);
}
END_TEST

START_TEST(fsync_of_the_file_fails)
{
	struct ipclock_replace *r;

	begin(_i);
	put(test_path, "old");
	r = start(test_path, 0, "new");
	ck_assert_int_eq(refuse_fsync(ipclock_replace_fd(r), 0, EIO), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), EIO);
	ck_assert(has(test_path, "old"));
	/* The newest filter's word counts: it is not asked again. */
	ck_assert_int_eq(refuse_fsync(ipclock_replace_fd(r), 0, ENOSPC), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), EIO);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "old"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

START_TEST(fsync_of_the_directory_fails)
{
	struct ipclock_replace *r;

	begin(_i);
	put(test_path, "old");
	r = start(test_path, 0, "new");
	ck_assert_int_eq(refuse_fsync(ipclock_replace_fd(r), 1, EIO), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), EIO);
	ck_assert_ptr_nonnull(strstr(ipclock_replace_message(r), "in place"));
	ck_assert(has(test_path, "new"));
	ck_assert_int_eq(ipclock_replace_commit(r), EINVAL);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "new"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

START_TEST(rename_fails)
{
	struct ipclock_replace *r;

	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(refuse_call(__NR_renameat, ENOSPC), 0);
	r = start(test_path, 0, "new");
	ck_assert_int_eq(ipclock_replace_commit(r), ENOSPC);
	ck_assert_int_eq(ipclock_replace_commit(r), ENOSPC);
	ck_assert(has(test_path, "old"));
	ck_assert_int_eq(entries(1), 1);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "old"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

START_TEST(no_locks)
{
	begin(_i);
	ck_assert_int_eq(refuse_call(__NR_flock, EOPNOTSUPP), 0);
	refuse(test_path, 0, ENOTSUP);
	ck_assert_int_eq(entries(0), 0);
}
END_TEST

static int
write_too_much(void *arg)
{
	struct rlimit limit = { 4096, 4096 };
	static char block[8192];
	struct ipclock_replace *r;

	(void)arg;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (ipclock_replace_open(&r, test_path, 0) != 0)
		return 1;
	while (write(ipclock_replace_fd(r), block, sizeof(block)) > 0)
		continue;
	if (errno != EFBIG)
		return 2;
	return ipclock_replace_abort(r);
}

START_TEST(no_room)
{
	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(in_child(write_too_much, NULL), 0);
	ck_assert(has(test_path, "old"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

/* With one descriptor more each time: EMFILE, and nothing kept, until it is done. */
START_TEST(G_no_descriptors)
{
	struct rlimit limit, low;
	int failures = 0, fds = fd_count(), error;

	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (low = limit, low.rlim_cur = 3;; low.rlim_cur++, failures++) {
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
		error = replace(test_path, 0, "new");
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		ck_assert_int_eq(fd_count(), fds);
		ck_assert_int_eq(entries(0), 1);
		if (error == 0)
			break;
		ck_assert_int_eq(error, EMFILE);
		ck_assert(has(test_path, "old"));
	}
	ck_assert_int_gt(failures, 2);
	ck_assert(has(test_path, "new"));
}
END_TEST

static int
with_closed_standard_descriptors(void *arg)
{
	struct ipclock_replace *r;
	int fd;

	(void)arg;
	close(0);
	close(1);
	close(2);
	if (ipclock_replace_open(&r, test_path, 0) != 0)
		return 1;
	fd = ipclock_replace_fd(r);
	if (fd < 3 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 || fcntl(0, F_GETFD) >= 0 || fcntl(2, F_GETFD) >= 0)
		return 2;
	if (ipclock_replace_commit(r) != 0)
		return 3;
	return ipclock_replace_abort(r);
}

START_TEST(standard_descriptors)
{
	begin(_i);
	ck_assert_int_eq(in_child(with_closed_standard_descriptors, NULL), 0);
}
END_TEST

static int
open_as_stranger(void *arg)
{
	struct ipclock_replace *r;

	(void)arg;
	return setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0 ? 1000 :
	    ipclock_replace_open(&r, test_path, 0);
}

START_TEST(directories_that_cannot_be_used)
{
	begin(_i);
	ck_assert_int_eq(in_child(open_as_stranger, NULL), EACCES);
	ck_assert_int_eq(chmod(test_dir, 0333 | 0200), 0);
	ck_assert_int_eq(in_child(open_as_stranger, NULL), EACCES);
	ck_assert_int_eq(entries(0), 0);
}
END_TEST

/* Another's in a sticky directory: the file stays, and so does nothing of ours. */
START_TEST(sticky_directory)
{
	struct stranger s = { .group = NOBODY };

	begin(_i);
	put(test_path, "old");
	ck_assert_int_eq(chmod(test_dir, 01777), 0);
	ck_assert_int_eq(in_child(replace_as_stranger, &s), EPERM);
	ck_assert(has(test_path, "old"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

/* ---- kill -9 at every system call ---- */

#define OLD "the old contents"
#define NEW "the new contents, which are longer"

struct cut {
	int way;
	unsigned flags;
	int steps;  /* how many stops, at entry to and exit from a system call, it may live */
	long calls[4096]; /* what it called, in order */
	int fds[4096];
	int n;
};

static void
write_and_commit(const struct cut *cut)
{
	if (cut->way == NAMED && refuse_nameless() < 0)
		_exit(9);
	if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		_exit(9);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(8);
	raise(SIGSTOP);
	_exit(replace(test_path, cut->flags, NEW));
}

static void
note(struct cut *cut, pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || cut->n == (int)LENGTH(cut->calls))
		return;
	cut->calls[cut->n] = (long)info.entry.nr;
	cut->fds[cut->n++] = (int)info.entry.args[0];
}

/* 1: killed at that stop; 0: it came to its end first; -1: nobody may be traced here. */
static int
run_until(struct cut *cut)
{
	int status, step;
	pid_t pid = fork();

	if (pid == 0)
		write_and_commit(cut);
	cut->n = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 8)
		return -1;
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq((int)ptrace(PTRACE_SETOPTIONS, pid, NULL,
	    (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)), 0);
	for (step = 0; step < cut->steps; step++) {
		ck_assert_int_eq((int)ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status)) {
			ck_assert_msg(status == 0, "ended with status 0x%x after %d stops", (unsigned)status, step);
			return 0;
		}
		note(cut, pid);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == pid && !WIFSIGNALED(status) && !WIFEXITED(status))
		continue;
	return 1;
}

static void
prepare(const struct cut *cut, unsigned mode)
{
	unlink(test_path);
	if (cut->flags & IPCLOCK_REPLACE_NEW)
		return;
	put(test_path, OLD);
	ck_assert_int_eq(chmod(test_path, mode), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(test_path, NOBODY, NOBODY), 0);
}

static int
replace_as_nobody(void *arg)
{
	if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		return 1000;
	return replace(test_path, 0, arg);
}

static void
check_whole(const struct cut *cut)
{
	const char *text = get(test_path);

	if (text == NULL)
		ck_assert(cut->flags & IPCLOCK_REPLACE_NEW);
	else
		ck_assert_msg(strcmp(text, NEW) == 0 || (!(cut->flags & IPCLOCK_REPLACE_NEW) && strcmp(text, OLD) == 0),
		    "killed at stop %d: \"%s\"", cut->steps, text);
	ck_assert_int_le(entries(1), 1);
	ck_assert_int_eq(in_child(replace_as_nobody, (void *)(uintptr_t)"again"), 0);
	ck_assert_msg(entries(0) == 1, "killed at stop %d: %d files are left", cut->steps, entries(0));
	ck_assert(has(test_path, "again"));
}

/* B: old or new at every point, one name left at most, and none after the next. */
static void
kill_everywhere(int way, unsigned flags, unsigned mode)
{
	static struct cut cut;
	int r, named = 0, renewed = 0;

	cut.way = way;
	cut.flags = flags;
	if (geteuid() == 0)
		ck_assert_int_eq(chown(test_dir, NOBODY, NOBODY), 0);
	for (cut.steps = 1;; cut.steps++) {
		prepare(&cut, mode);
		r = run_until(&cut);
		if (r <= 0)
			break;
		named += entries(1);
		renewed += has(test_path, NEW);
		check_whole(&cut);
	}
	if (r < 0) {
		test_skip("kill at every system call: ptrace is refused here");
		return;
	}
	ck_assert(has(test_path, NEW));
	/* A link to the target itself needs no other name. */
	ck_assert(renewed > 0 && (named > 0) == (way == NAMED || flags == 0));
	printf("# killed at %d points, %s, flags %u, mode %03o: %d with a name left, %d with the new contents\n",
	    cut.steps - 1, way == NAMED ? "named" : "nameless", flags, mode, named, renewed);
	fflush(stdout);
}

START_TEST(B_killed_at_every_system_call)
{
	kill_everywhere(_i, 0, 0644);
}
END_TEST

START_TEST(B_killed_with_a_file_that_cannot_be_written)
{
	kill_everywhere(_i, 0, 0444);
}
END_TEST

START_TEST(B_killed_when_new)
{
	kill_everywhere(_i, IPCLOCK_REPLACE_NEW, 0);
}
END_TEST

/* Another looks for the dead, has opened a file and is stopped: meanwhile that is committed, and its name another's. */
START_TEST(a_name_changes_hands_under_the_cleaner)
{
	static struct cut cut;
	struct ipclock_replace *r;
	int status;
	pid_t pid;

	begin(NAMED);
	r = start(test_path, 0, "one");
	pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(8);
		raise(SIGSTOP);
		_exit(replace(test_path, 0, "cleaner"));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSTOPPED(status))
		ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD));
	while (WIFSTOPPED(status) && (cut.n == 0 || cut.calls[cut.n - 1] != __NR_flock)) {
		ck_assert_int_eq((int)ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		note(&cut, pid);
	}
	if (!WIFSTOPPED(status)) {
		test_skip("a name changes hands: ptrace is refused here");
		return;
	}
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	r = start(test_path, 0, "two");
	ck_assert_int_eq(access(temp(0), F_OK), 0);
	ck_assert_int_eq((int)ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
	ck_assert_int_eq(child_result(pid), 0);
	ck_assert(has(test_path, "cleaner"));
	ck_assert_int_eq(access(temp(0), F_OK), 0);
	ck_assert_int_eq(ipclock_replace_commit(r), 0);
	ipclock_replace_abort(r);
	ck_assert(has(test_path, "two"));
	ck_assert_int_eq(entries(0), 1);
}
END_TEST

static int
call_after(const struct cut *cut, int from, long number)
{
	while (from < cut->n && cut->calls[from] != number)
		from++;
	return from;
}

/* A power cut is not to be had; but the order that it relies on is. */
START_TEST(file_then_rename_then_directory)
{
	static struct cut cut;
	int r, data, moved, dir;

	cut.way = _i;
	cut.steps = INT_MAX;
	if (geteuid() == 0)
		ck_assert_int_eq(chown(test_dir, NOBODY, NOBODY), 0);
	prepare(&cut, 0644);
	r = run_until(&cut);
	if (r < 0 || cut.n == 0) {
		test_skip("order of fsync and rename: ptrace does not tell");
		return;
	}
	data = call_after(&cut, 0, __NR_fsync);
	moved = call_after(&cut, data, __NR_renameat);
	dir = call_after(&cut, moved, __NR_fsync);
	ck_assert_int_lt(dir, cut.n);
	ck_assert_int_eq(cut.fds[dir], cut.fds[moved]);
	ck_assert_int_ne(cut.fds[dir], cut.fds[data]);
	ck_assert_int_eq(call_after(&cut, data + 1, __NR_fsync), dir);
	ck_assert_int_eq(call_after(&cut, data, __NR_write), cut.n);
	ck_assert_int_eq(call_after(&cut, data, __NR_fchmod), cut.n);
}
END_TEST

static void
add_root(TCase *tcase)
{
	if (geteuid() != 0) {
		test_skip("owners, strangers, sticky directories, eight tests: not root");
		return;
	}
	tcase_add_loop_test(tcase, keeps_owner, AS_IS, ways);
	tcase_add_loop_test(tcase, never_widens, AS_IS, ways);
	tcase_add_loop_test(tcase, directories_that_cannot_be_used, AS_IS, ways);
	tcase_add_loop_test(tcase, sticky_directory, AS_IS, ways);
}

static void
add_errors(TCase *tcase)
{
	tcase_add_loop_test(tcase, bad_input, AS_IS, ways);
	tcase_add_loop_test(tcase, surprises_at_commit, AS_IS, ways);
	tcase_add_loop_test(tcase, removed_directory, AS_IS, ways);
	tcase_add_loop_test(tcase, no_room, AS_IS, ways);
	tcase_add_loop_test(tcase, G_no_descriptors, AS_IS, ways);
	tcase_add_loop_test(tcase, standard_descriptors, AS_IS, ways);
}

#ifdef __NR_newfstatat
#define FSTATAT __NR_newfstatat
#else
#define FSTATAT __NR_fstatat64
#endif

/* As a file server does of a file that it has lost: the descriptor goes all the same. */
static int
abort_without_fstat(void *arg)
{
	struct ipclock_replace *r;
	int fd;

	(void)arg;
	if (ipclock_replace_open(&r, test_path, 0) != 0)
		return 210;
	fd = ipclock_replace_fd(r);
	if (refuse_call(FSTATAT, ESTALE) != 0 || refuse_call(__NR_fstat, ESTALE) != 0 ||
	    refuse_call(__NR_statx, ESTALE) != 0)
		return 211;
	if (ipclock_replace_abort(r) != 0)
		return 212;
	return fcntl(fd, F_GETFD) == -1 && errno == EBADF ? 0 : 213;
}

START_TEST(G_a_file_that_cannot_be_looked_at_is_closed)
{
	ck_assert_int_eq(in_child(abort_without_fstat, NULL), 0);
}
END_TEST

static void
add_refusals(TCase *tcase)
{
	if (in_child(try_filter, NULL) != 0) {
		ways = NAMED;
		test_skip("a kernel that refuses, seven tests, and the others with a name from the start: no seccomp(2) here");
		return;
	}
	tcase_add_loop_test(tcase, fsync_of_the_file_fails, AS_IS, ways);
	tcase_add_loop_test(tcase, fsync_of_the_directory_fails, AS_IS, ways);
	tcase_add_loop_test(tcase, rename_fails, AS_IS, ways);
	tcase_add_loop_test(tcase, no_locks, AS_IS, ways);
	tcase_add_loop_test(tcase, only_if_new_by_link, AS_IS, ways);
	tcase_add_test(tcase, a_name_changes_hands_under_the_cleaner);
	tcase_add_test(tcase, G_a_file_that_cannot_be_looked_at_is_closed);
}

static void
add(TCase *tcase)
{
	add_refusals(tcase);
	tcase_add_loop_test(tcase, replaces_and_makes, AS_IS, ways);
	tcase_add_loop_test(tcase, G_abort_leaves_nothing, AS_IS, ways);
	tcase_add_loop_test(tcase, readers_see_whole_files, AS_IS, ways);
	tcase_add_loop_test(tcase, writers_at_once, AS_IS, ways);
	tcase_add_loop_test(tcase, the_last_to_commit_wins, AS_IS, ways);
	tcase_add_loop_test(tcase, hard_links, AS_IS, ways);
	tcase_add_loop_test(tcase, keeps_mode_acl_and_attributes, AS_IS, ways);
	tcase_add_loop_test(tcase, default_acl_widens_nothing, AS_IS, ways);
	tcase_add_loop_test(tcase, metadata_is_of_the_commit, AS_IS, ways);
	tcase_add_loop_test(tcase, symbolic_links, AS_IS, ways);
	tcase_add_loop_test(tcase, only_if_new, AS_IS, ways);
	tcase_add_loop_test(tcase, one_of_many_is_new, AS_IS, ways);
	tcase_add_loop_test(tcase, chdir_and_renamed_directory, AS_IS, ways);
	tcase_add_loop_test(tcase, long_names, AS_IS, ways);
	tcase_add_loop_test(tcase, B_what_the_dead_left_is_removed, AS_IS, ways);
	tcase_add_loop_test(tcase, B_killed_among_others, AS_IS, ways);
	tcase_add_loop_test(tcase, H_nothing_else_is_removed, AS_IS, ways);
	tcase_add_loop_test(tcase, the_living_keep_theirs, AS_IS, ways);
	tcase_add_loop_test(tcase, all_names_are_taken, AS_IS, ways);
	tcase_add_loop_test(tcase, A_the_new_file_is_not_locked, AS_IS, ways);
	tcase_add_loop_test(tcase, C_classic_locks_on_the_target, AS_IS, ways);
	tcase_add_loop_test(tcase, D_fork, AS_IS, ways);
	tcase_add_loop_test(tcase, B_killed_at_every_system_call, AS_IS, ways);
	tcase_add_loop_test(tcase, B_killed_with_a_file_that_cannot_be_written, AS_IS, ways);
	tcase_add_loop_test(tcase, B_killed_when_new, AS_IS, ways);
	tcase_add_loop_test(tcase, file_then_rename_then_directory, AS_IS, ways);
	add_errors(tcase);
	add_root(tcase);
}

int
main(void)
{
	return test_main("replace", add);
}
