#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The macros of ipclock/locked.h, all of them, compiled without a warning by every compiler and standard that there is,
# and run: the lock is held in the body and free after it, in whatever way the body ends.
set -u
src=${top_srcdir:-.}
build=${top_builddir:-.}
case $src in /*) ;; *) src=$PWD/$src ;; esac
case $build in /*) ;; *) build=$PWD/$build ;; esac
. "${top_srcdir:-.}/tests/report.sh"

# ---- the programs ----

# For C89 and C++ as well: every macro, as a static function and as one of the world's.
cat >"$dir/all.h" <<'END_OF_FILE'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef PLAIN_C
#undef __GNUC__
#endif
#include <ipclock.h>

static struct ipclock *lock, *other;
static struct ipclock_rw *rw, *other_rw;

#define CHECK(what) ((what) ? (void)0 : (printf("line %d: %s\n", __LINE__, #what), exit(1)))

/* What others are told: w nobody may read, r nobody may write, f it is free. */
static int
state(void)
{
	if (ipclock_rw_acquire_write(other_rw, 0) == 0) {
		ipclock_rw_release_write(other_rw);
		return 'f';
	}
	if (ipclock_rw_acquire_read(other_rw, 0) == 0) {
		ipclock_rw_release_read(other_rw);
		return 'r';
	}
	return 'w';
}

static int seen;

static int
see(void)
{
	return seen = state();
}

static void
set_up(void)
{
	CHECK(ipclock_open(&lock, "lock", NULL) == 0);
	CHECK(ipclock_open(&other, "lock", NULL) == 0);
	CHECK(ipclock_rw_open(&rw, "lock", NULL) == 0);
	CHECK(ipclock_rw_open(&other_rw, "lock", NULL) == 0);
}

static void
tear_down(void)
{
	ipclock_close(lock);
	ipclock_close(other);
	ipclock_rw_close(rw);
	ipclock_rw_close(other_rw);
}
END_OF_FILE

cat >"$dir/all.c" <<'END_OF_FILE'
#include "all.h"

#ifdef __cplusplus
extern "C" {
#endif
int declared(int n);
#ifdef __cplusplus
}
#endif

#define renamed renamed_by_a_macro

IPCLOCK_LOCKED(int, declared, (int n), (n), "lock", -1) { return n ? see() : -2; }
IPCLOCK_LOCKED(int, undeclared, (void), (), "lock", -1) { return see(); }
static IPCLOCK_LOCKED(int, renamed, (void), (), "lock", -1) { return see(); }
static IPCLOCK_LOCKED(const char *, text, (const char *a, char b), (a, b), "lock", NULL) { return b ? a : "none"; }
static IPCLOCK_READ_LOCKED(int, reading, (void), (), "lock", -1) { return see(); }
static IPCLOCK_WRITE_LOCKED(int, writing, (void), (), "lock", -1) { return see(); }
IPCLOCK_LOCKED_VOID(locked_void, (void), (), "lock") { see(); }
static IPCLOCK_READ_LOCKED_VOID(reading_void, (int n), (n), "lock")
{
	if (n)
		return;
	see();
}
static IPCLOCK_WRITE_LOCKED_VOID(writing_void, (void), (), "lock") { see(); }

static IPCLOCK_LOCKED_BY(int, by, (struct ipclock *l, int ms), (l, ms), l, ms, -1)
{
	return ipclock_held(l) && ms == 0 ? see() : 0;
}
IPCLOCK_READ_LOCKED_BY(int, reading_by, (void), (), rw, 0, -1) { return see(); }
static IPCLOCK_WRITE_LOCKED_BY(int, writing_by, (void), (), rw, IPCLOCK_FOREVER, -1) { return see(); }
static IPCLOCK_LOCKED_BY_VOID(by_void, (void), (), lock, 0) { see(); }
static IPCLOCK_READ_LOCKED_BY_VOID(reading_by_void, (void), (), rw, 0) { see(); }
IPCLOCK_WRITE_LOCKED_BY_VOID(writing_by_void, (void), (), rw, 0) { see(); }

static IPCLOCK_LOCKED(int, nowhere, (void), (), "missing/lock", ipclock_locked_error()) { return 0; }

#ifdef IPCLOCK_SCOPE
static int
scopes(void)
{
	{
		IPCLOCK_SCOPE(guard, lock, 0);
		CHECK(guard.error == 0 && state() == 'w');
	}
	CHECK(state() == 'f');
	{
		IPCLOCK_READ_SCOPE(guard, rw, 0);
		IPCLOCK_SCOPE(busy, other, 0);
		CHECK(guard.error == 0 && busy.error != 0 && state() == 'r');
	}
	CHECK(state() == 'f');
	{
		IPCLOCK_WRITE_SCOPE(guard, rw, 0);
		if (guard.error == 0)
			return state();
	}
	return 0;
}
#endif

#define IS(call, mode) (seen = 0, CHECK((call) == mode), CHECK(state() == 'f'))
#define SEES(call, mode) (seen = 0, call, CHECK(seen == mode), CHECK(state() == 'f'))

int
main(void)
{
	set_up();
	IS(declared(1), 'w');
	IS(declared(0), -2);
	IS(undeclared(), 'w');
	IS(renamed(), 'w');
	IS(*text("abc", 1), 'a');
	IS(reading(), 'r');
	IS(writing(), 'w');
	SEES(locked_void(), 'w');
	SEES(reading_void(0), 'r');
	SEES(reading_void(1), 0);
	SEES(writing_void(), 'w');
	IS(by(lock, 0), 'w');
	IS(reading_by(), 'r');
	IS(writing_by(), 'w');
	SEES(by_void(), 'w');
	SEES(reading_by_void(), 'r');
	SEES(writing_by_void(), 'w');
	CHECK(nowhere() != 0 && ipclock_locked_error() == nowhere());
	CHECK(ipclock_acquire(other, 0) == 0);
	CHECK(by(lock, 0) == -1 && ipclock_locked_error() != 0);
	seen = 0;
	by_void();
	CHECK(seen == 0);
	CHECK(ipclock_release(other) == 0);
#ifdef IPCLOCK_SCOPE
	IS(scopes(), 'w');
#elif defined WANTS_SCOPE
	CHECK(!"there are scopes");
#endif
	tear_down();
	return 0;
}
END_OF_FILE

# A path that is a temporary, a class in place of an int, exceptions through a body and out of a scope.
cat >"$dir/throws.cc" <<'END_OF_FILE'
#include <string>
#include <stdexcept>
#include "all.h"

static std::string name("lock");

static IPCLOCK_LOCKED(std::string, quoted, (const std::string &s), (s), (name + "").c_str(), std::string("otherwise"))
{
	if (s.empty())
		throw std::runtime_error("empty");
	see();
	return "'" + s + "'";
}

static IPCLOCK_READ_LOCKED_BY_VOID(throws, (int n), (n), rw, 0)
{
	see();
	if (n)
		throw n;
}

static void
scope_throws()
{
	IPCLOCK_SCOPE(guard, lock, 0);

	CHECK(guard.error == 0 && see() == 'w');
	throw 1;
}

template <class T> struct holder {
	T value;
	T get() const
	{
		IPCLOCK_WRITE_SCOPE(guard, rw, 0);

		return guard.error || see() != 'w' ? T() : value;
	}
};

#define THROWS(call) \
	do { \
		int thrown = 0; \
		try { \
			call; \
		} catch (...) { \
			thrown = 1; \
		} \
		CHECK(thrown && state() == 'f'); \
	} while (0)

int
main()
{
	holder<int> h = { 3 };

	set_up();
	CHECK(quoted("a") == "'a'" && seen == 'w' && state() == 'f');
	THROWS(quoted(""));
	THROWS(throws(1));
	CHECK(seen == 'r');
	THROWS(scope_throws());
	CHECK(h.get() == 3 && state() == 'f');
	tear_down();
	return 0;
}
END_OF_FILE

# A thread that ends in the body.
cat >"$dir/ends.c" <<'END_OF_FILE'
#include <pthread.h>
#include <unistd.h>
#include "all.h"

static int in_body[2];

static IPCLOCK_LOCKED_BY_VOID(ends, (int by_cancel), (by_cancel), lock, 0)
{
	char c = (char)see();

	if (!by_cancel)
		pthread_exit(NULL);
	if (write(in_body[1], &c, 1) == 1)
		for (;;)
			pause();
}

static void *
run(void *arg)
{
	ends(arg != NULL);
	return NULL;
}

int
main(void)
{
	pthread_t thread;
	char c;

	set_up();
	CHECK(pipe(in_body) == 0);
	CHECK(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0);
	CHECK(state() == 'f');
	CHECK(pthread_create(&thread, NULL, run, in_body) == 0);
	CHECK(read(in_body[0], &c, 1) == 1 && c == 'w');
	CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
	CHECK(state() == 'f');
	tear_down();
	return 0;
}
END_OF_FILE

cat >"$dir/param.c" <<'END_OF_FILE'
#include <ipclock.h>
IPCLOCK_LOCKED(int, f, (const char *dir), (dir), PATH, -1) { return *dir; }
END_OF_FILE

# ---- compile and run ----

library=$build/libipclock.la
strict='-Wall -Wextra -Werror'

# compiles FILE COMPILER...
compiles() {
	file=$1
	shift
	# shellcheck disable=SC2086
	"$@" -pthread $strict -I"$src/include" -c -o "$dir/program.o" "$dir/$file"
}

# works FILE COMPILER...: compiled, linked and run in an empty directory.
works() {
	rm -rf "$dir/program" "$dir/run"
	mkdir "$dir/run" || return
	compiles "$@" || return
	# shellcheck disable=SC2086
	"$build/libtool" --silent --tag=CC --mode=link "$2" $instrument -pthread -no-install -o "$dir/program" \
	    "$dir/program.o" "$library" && (cd "$dir/run" && "$dir/program")
}

# can COMPILER...: it is there, for the library's machine, and knows these options.
can() {
	echo 'int main(void) { return 0; }' >"$dir/trivial.c"
	command -v "$1" >/dev/null && [ "$(machine_of "$1")" = "$(machine_of "$first")" ] &&
		"$@" -x "$language" -o "$dir/trivial" "$dir/trivial.c" 2>/dev/null
}
machine_of() {
	"$1" -dumpmachine | sed 's/-.*//'
}

# try FILE COMPILER...: works, or is skipped where the compiler is not here.
try() {
	if can "$@"; then
		check "$file: $*" works "$file" "$@"
	else
		skip "$file: $*: not here"
	fi
}

# The end of a thread leaves a body as an exception does where the C library unwinds its stack: musl does not.
cat >"$dir/unwinds.c" <<'END_OF_FILE'
#include <pthread.h>
#include <stddef.h>

static int unwound;

static void
leave(int *n)
{
	unwound = *n;
}

static void *
run(void *arg)
{
	int n __attribute__((cleanup(leave))) = 1;

	pthread_exit(n ? arg : NULL);
}

int
main(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, run, NULL) != 0 || pthread_join(thread, NULL) != 0 || !unwound;
}
END_OF_FILE
unwinds() {
	"$@" -pthread -o "$dir/unwinds" "$dir/unwinds.c" 2>/dev/null && "$dir/unwinds"
}

# CC may carry options, a sanitizer's among them, that everything here has to share.
# shellcheck disable=SC2086
set -- ${CC:-cc}
first=$1
shift
instrument=$*

tried=
for compiler in "$first" clang gcc; do
	case " $tried " in *" $compiler "*) continue ;; esac
	tried="$tried $compiler"
	[ "$compiler" = "$first" ] || [ -z "$instrument" ] || continue
	language=c
	file=all.c
	for standard in '-std=c99 -pedantic' '-std=c11 -pedantic' '-std=gnu89' '-std=gnu17 -O2'; do
		# shellcheck disable=SC2086
		try "$compiler" $instrument $standard -DWANTS_SCOPE -Wmissing-prototypes -Wstrict-prototypes
	done
	# Without what GCC and Clang add: no scopes, and the functions all the same.
	# shellcheck disable=SC2086
	try "$compiler" $instrument -std=c99 -pedantic -DPLAIN_C -Wno-builtin-macro-redefined
	file=ends.c
	# shellcheck disable=SC2086
	set -- "$compiler" $instrument -std=gnu99 -fexceptions
	if can "$@" && ! unwinds "$@"; then
		skip "$file: $*: this C library does not unwind the stack of a thread that ends"
	else
		try "$@"
	fi
done

for compiler in "${CXX:-c++}" clang++; do
	[ "$compiler" != clang++ ] || [ -z "$instrument" ] || continue
	language=c++
	for standard in '-std=c++98 -Wno-long-long' '-std=c++17 -O2'; do
		for file in all.c throws.cc ends.c; do
			if [ "$file" = ends.c ] && [ -n "$instrument" ]; then
				skip "$file: $compiler $standard: a sanitizer loses a stack that pthread_exit unwinds"
				continue
			fi
			# shellcheck disable=SC2086
			try "$compiler" $instrument -x c++ -DWANTS_SCOPE $standard -pedantic
		done
	done
done

fails() {
	! "$@" 2>/dev/null
}
check "the path of a function is a constant" compiles param.c "$first" "-DPATH=\"lock\""
check "the path of a function knows no parameters" fails compiles param.c "$first" -DPATH=dir

exit $status
