#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# What is installed, as other programs find it: by pkg-config, by CMake, by autoconf with ipclock.m4; shared and static.
# And "make uninstall" leaves nothing. All is done in a directory of the test's own.
set -u
build=${top_builddir:-.}
src=${top_srcdir:-.}
. "${top_srcdir:-.}/tests/report.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR PKG_CONFIG_PATH PKG_CONFIG_LIBDIR CFLAGS LDFLAGS CPPFLAGS
root=$dir/root
version=$("$src/get-version")

has() {
	command -v "$1" >/dev/null
}

# in_dir DIRECTORY COMMAND...; what CMake made finds its library by itself, but on macOS, where it has its full name.
in_dir() {
	(cd "$1" && shift && DYLD_LIBRARY_PATH=$libdir "$@")
}

# The second handle's wait starts a thread and cancels it: also what a static program has to be able to do.
cat >"$dir/core.c" <<'C'
#include <errno.h>
#include <stddef.h>
#include <ipclock.h>

int
main(void)
{
	struct ipclock *held, *waits;

	if (ipclock_open(&held, "core.lock", NULL) != 0 || ipclock_open(&waits, "core.lock", NULL) != 0)
		return 1;
	if (ipclock_acquire(held, 0) != 0 || ipclock_acquire(waits, 20) != ETIMEDOUT)
		return 2;
	return ipclock_close(waits) != 0 || ipclock_close(held) != 0;
}
C

# Of both libraries, which share an object.
cat >"$dir/both.c" <<'C'
#include <errno.h>
#include <stddef.h>
#include <ipclock.h>
#include <ipclock-redis.h>

int
main(void)
{
	struct ipclock *lock;
	struct ipclock_redis *redis;

	if (ipclock_redis_open(&redis, "no server's", "name", NULL) != EINVAL)
		return 1;
	return ipclock_open(&lock, "both.lock", NULL) != 0 || ipclock_acquire(lock, 0) != 0 || ipclock_close(lock) != 0;
}
C

run() {
	(cd "$dir" && LD_LIBRARY_PATH=$libdir DYLD_LIBRARY_PATH=$libdir "$@")
}

# needs LIBRARY PROGRAM: it is linked dynamically with it.
needs() {
	LC_ALL=C readelf -dW "$2" 2>/dev/null | grep "NEEDED.*\\[$1\\.so"
}

# needs_not LIBRARY PROGRAM
needs_not() {
	test -e "$2" && ! needs "$@"
}

# pc ARGUMENT...: pkg-config, which sees our tree as if it stood in /, and says all, also what the compiler knows.
pc() {
	PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$libdir/pkgconfig \
		PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 "${PKG_CONFIG:-pkg-config}" "$@"
}

# link PROGRAM MODULES PC-FLAG CC-FLAG...: with what pkg-config says.
link() {
	to=$1
	wanted=$2
	pc_flags=$3
	shift 3
	# shellcheck disable=SC2046,SC2086
	${CC:-cc} "$dir/$to.c" "$@" $(pc $pc_flags --cflags --libs $wanted) -o "$dir/$to"
}

# static_too PROGRAM MODULES LIBRARY...: that LIBRARY static in a dynamic program, and all static.
static_too() {
	program=$1
	modules=$2
	if [ ! -e "$libdir/libipclock.a" ]; then
		skip "static, $program: the libraries were built shared only"
		return
	fi
	mkdir -p "$dir/hidden"
	mv "$libdir"/*.so "$libdir"/*.dylib "$dir/hidden" 2>/dev/null # so that -l finds the other
	check "pkg-config --static, $program: links with the static libraries" link "$program" "$modules" --static
	check "it runs" run "./$program"
	check "it needs no libipclock.so" needs_not 'libipclock[a-z-]*' "$dir/$program"
	if echo 'int main(void) { return 0; }' >"$dir/s.c" && ${CC:-cc} -static "$dir/s.c" -o "$dir/s" 2>/dev/null; then
		check "pkg-config --static, $program: links with -static" link "$program" "$modules" --static -static
		check "it runs" run "./$program"
	else
		skip "-static, $program: this compiler makes no static programs here"
	fi
	mv "$dir"/hidden/* "$libdir" 2>/dev/null
}

# shared_and_static PROGRAM MODULES
shared_and_static() {
	if [ -e "$libdir/libipclock.so" ] || [ -e "$libdir/libipclock.dylib" ]; then
		check "pkg-config, $1: links" link "$1" "$2" ''
		check "it runs" run "./$1"
	else
		skip "shared, $1: the libraries were built static only"
	fi
	static_too "$1" "$2"
}

pkg_config() {
	if ! has "${PKG_CONFIG:-pkg-config}"; then
		skip "pkg-config: it is not here"
		return
	fi
	check "pkg-config knows the version" test "$(pc --modversion libipclock)" = "$version"
	shared_and_static core libipclock
	if [ ! -e "$libdir/pkgconfig/libipclock-redis.pc" ]; then
		skip "pkg-config, libipclock-redis: not built"
		return
	fi
	shared_and_static both 'libipclock libipclock-redis'
}

# cmake_tree TREE PREFIX OPTION...: configures and builds; what find_package answered is in TREE/said.
cmake_tree() {
	tree=$1
	from=$2
	shift 2
	cmake -S "$dir" -B "$dir/$tree" -DCMAKE_PREFIX_PATH="$from" -DWANTED="$version" "$@" && cmake --build "$dir/$tree"
}

# said TREE LINE
said() {
	cat "$dir/$1/said"
	grep -qxF "$2" "$dir/$1/said"
}

by_cmake() {
	if ! has cmake; then
		skip "CMake: it is not here"
		return
	fi
	cat >"$dir/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.10)
project(user C)
set_property(GLOBAL PROPERTY FIND_LIBRARY_USE_LIB64_PATHS ON) # Debian's looks there on request only
function(try what)
	find_package(ipclock ${ARGN} QUIET NO_CMAKE_SYSTEM_PATH NO_CMAKE_PACKAGE_REGISTRY)
	if(ipclock_FOUND)
		file(APPEND ${CMAKE_BINARY_DIR}/said "${what}: yes\n")
	else()
		file(APPEND ${CMAKE_BINARY_DIR}/said "${what}: no\n")
	endif()
	unset(ipclock_DIR CACHE)
endfunction()
file(WRITE ${CMAKE_BINARY_DIR}/said "")
try(any)
try(exact ${WANTED} EXACT)
try(newer ${WANTED}.1)
try(future 99)
try(past 0.0)
try(redis COMPONENTS redis)
try(redis_if_there OPTIONAL_COMPONENTS redis)
try(nonsense COMPONENTS nonsense)
find_package(ipclock ${WANTED} REQUIRED NO_CMAKE_SYSTEM_PATH)
add_executable(core core.c)
target_link_libraries(core ipclock::ipclock)
if(TARGET ipclock::redis)
	add_executable(both both.c)
	target_link_libraries(both ipclock::redis ipclock::ipclock)
endif()
CMAKE
	check "CMake: find_package(ipclock), and a program links" cmake_tree shared "$root$prefix"
	check "it runs" in_dir "$dir/shared" ./core
	check "another version, or a component that is not there, is refused" said shared 'future: no'
	for answer in 'any: yes' 'exact: yes' 'newer: no' 'past: no' 'nonsense: no' 'redis_if_there: yes'; do
		check "find_package: $answer" said shared "$answer"
	done
	if [ -e "$libdir/pkgconfig/libipclock-redis.pc" ]; then
		check "find_package: redis: yes" said shared 'redis: yes'
		check "ipclock::redis: a program links and runs" in_dir "$dir/shared" ./both
	else
		skip "ipclock::redis: not built"
	fi
	cp -R "$root$prefix" "$dir/elsewhere"
	if [ -e "$libdir/libipclock.a" ]; then
		check "CMake: static, in a tree that was moved" cmake_tree moved "$dir/elsewhere" -Dipclock_USE_STATIC_LIBS=ON
		check "it needs no libipclock.so" needs_not 'libipclock[a-z-]*' "$dir/moved/core"
	else
		check "CMake: in a tree that was moved" cmake_tree moved "$dir/elsewhere"
	fi
	check "it runs" in_dir "$dir/moved" ./core
	if [ -e "$dir/moved/both" ]; then
		check "so does a program of both libraries" in_dir "$dir/moved" ./both
	fi
	find "$dir/elsewhere" -name '*redis*' -exec rm -f {} +
	check "CMake: the same without libipclock-redis" cmake_tree moved "$dir/elsewhere"
	check "find_package: redis: no" said moved 'redis: no'
	check "find_package: redis_if_there: yes" said moved 'redis_if_there: yes'
}

# configured WANTED ARGUMENT...: configure's variables are in old/result.
configured() {
	wanted=$1
	shift
	rm -f "$dir/old/result"
	in_dir "$dir/old" env WANTED="$wanted" ./configure "$@"
}

# found ANSWER
found() {
	cat "$dir/old/result"
	grep -qx "$1 .*" "$dir/old/result"
}

make_old() {
	in_dir "$dir/old" make && run old/core
}

# answer YES-OR-NO TEXT WANTED ARGUMENT...
answer() {
	expected=$1
	text=$2
	shift 2
	check "IPCLOCK_CHECK, $text: configure runs" configured "$@"
	check "it says $expected" found "$expected"
}

dies() {
	! configured "$@"
}

by_autoconf() {
	if ! has autoconf || ! has aclocal; then
		skip "ipclock.m4: no autoconf or no aclocal here"
		return
	fi
	mkdir "$dir/old" && cp "$dir/core.c" "$dir/old"
	cat >"$dir/old/configure.in" <<'AC'
AC_PREREQ(2.59)
AC_INIT(core.c)
AC_PROG_CC
if test "$MUST" = yes; then
	IPCLOCK_CHECK($WANTED)
fi
IPCLOCK_CHECK($WANTED, answer=yes, answer=no)
echo "$answer $IPCLOCK_CFLAGS $IPCLOCK_LIBS" >result
AC_OUTPUT(Makefile)
AC
	printf 'core: core.c\n\t@CC@ @CFLAGS@ @IPCLOCK_CFLAGS@ core.c @IPCLOCK_LIBS@ -o core\n' >"$dir/old/Makefile.in"
	check "ipclock.m4: aclocal finds it" in_dir "$dir/old" aclocal -I "${m4%/*}"
	check "autoconf makes configure" in_dir "$dir/old" autoconf
	answer yes "--with-ipclock-prefix" "$version" --with-ipclock-prefix="$root$prefix"
	check "a program links and runs" make_old
	answer no "a later version" "$version.1" --with-ipclock-prefix="$root$prefix"
	answer yes "an earlier version" 0.0.99 --with-ipclock-prefix="$root$prefix"
	answer no "an empty place" 99 --with-ipclock-prefix="$dir/empty"
	answer no "--without-ipclock-prefix" 0 --without-ipclock-prefix
	MUST=yes
	export MUST
	check "without an action it is an error" dies 99 --with-ipclock-prefix="$root$prefix"
	unset MUST
	LD_LIBRARY_PATH=$libdir
	export LD_LIBRARY_PATH
	answer yes "no pkg-config, the compiler's places" "$version" PKG_CONFIG=false \
		CC="${CC:-cc} -I$root$includedir -L$libdir"
	answer no "there, a later version" 99 PKG_CONFIG=false CC="${CC:-cc} -I$root$includedir -L$libdir"
	unset LD_LIBRARY_PATH
	if has "${PKG_CONFIG:-pkg-config}"; then
		PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$libdir/pkgconfig
		export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
		answer yes "pkg-config" "$version"
		answer no "pkg-config, a later version" 99
		unset PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
	else
		skip "IPCLOCK_CHECK, pkg-config: it is not here"
	fi
}

nothing_left() {
	find "$root" ! -type d
	test -z "$(find "$root" ! -type d)"
}

check "make install" "${MAKE:-make}" -s -C "$build" install DESTDIR="$root"
pc_file=$(find "$root" -name libipclock.pc)
m4=$(find "$root" -name ipclock.m4)
check "libipclock.pc and ipclock.m4 are there" test -n "$pc_file" -a -n "$m4"
[ $status -eq 0 ] || exit 1
libdir=${pc_file%/pkgconfig/libipclock.pc}
prefix=$(sed -n 's/^prefix=//p' "$pc_file")
includedir=$(find "$root" -name ipclock.h)
includedir=${includedir%/ipclock.h}
includedir=${includedir#"$root"}
pkg_config
by_cmake
by_autoconf
check "make uninstall" "${MAKE:-make}" -s -C "$build" uninstall DESTDIR="$root"
check "it leaves nothing" nothing_left
exit $status
