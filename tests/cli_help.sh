#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# What the program says of itself: its help, its manual page and what it does
# agree about the options and about the exit statuses, each of which is seen.
# shellcheck disable=SC2016,SC2034,SC2094,SC2154

. "${top_srcdir:-.}/tests/cli_support.sh"
LC_ALL=C
export LC_ALL
page=$src/man/ipclock.1

# ---- help ----

run "$IPCLOCK" --help
yes "help fits on a terminal of 24 lines" test "$(wc -l <out)" -lt 24
for verb in run put who probe help; do
	yes "... names $verb" grep -q "^  $verb  " out
done
mv out whole
for arguments in help 'help help' 'help --help' 'help -h'; do
	# shellcheck disable=SC2086
	run "$IPCLOCK" $arguments
	is "ipclock $arguments" 0 "$status"
	yes "... is ipclock --help" cmp -s out whole
done
for verb in run put who probe; do
	run "$IPCLOCK" help $verb
	is "ipclock help $verb" 0 "$status"
	yes "... says how it is used" grep -q "^Usage: ipclock $verb" out
	mv out whole
	run "$IPCLOCK" $verb --help
	yes "... is ipclock $verb --help" cmp -s out whole
done
for verb in '' run put who probe exit; do
	# shellcheck disable=SC2086
	run "$IPCLOCK" help $verb
	is "ipclock help $verb fits into 80 columns" '' "$(grep '.\{81\}' out)"
done

# said TEXT PATTERN ARGUMENT...: wrong usage, and why.
said() {
	label=$1 pattern=$2
	shift 2
	run "$IPCLOCK" "$@"
	is "$label: usage" 64 "$status"
	yes "... says so" grep -q "^ipclock: $pattern" err
	no "... and nothing else" test -s out
}
said "no such verb" "there is no verb 'lock'" lock f true
said "an option before the verb" "there is no verb '-n'" -n run f true
said "an empty verb" "there is no verb ''" ''
said "help on what is no verb" "there is no help on 'lock'" help lock
said "help on two verbs" "one verb at a time" help run put
said "-- behind the file" "'--' ends the options: it stands before 'f', not after it" run f -- true
said "a server's lock without a command" "--redis: a name and a command are wanted" run --redis redis://localhost f
said "a server's lock without a name" "--redis: a name and a command are wanted" run --redis redis://localhost
said "who holds no name of a server" "one name is wanted" who --redis redis://localhost
run "$IPCLOCK" run -c true f
is "-c before the file: usage" 64 "$status"
yes "... says where it stands" grep -q '^ipclock: -c stands after the file: ipclock run FILE -c STRING' err
run "$IPCLOCK" put -c f
no "... which is not so for put" grep -q 'stands after' err
run "$IPCLOCK" probe ''
yes "a directory without a name: the message shows that it is empty" grep -qx "ipclock: '': not a directory" err

# ---- the options: the help, the program and the page ----

# Without their values: name=VALUE is one that wants a value.
names() {
	sed 's/=.*//' | sort
}

# What follows FILE is no option to getopt_long().
really() {
	grep -vx -e '-c\(=.*\)*' -e '--command\(=.*\)*'
}

# The long ones as the tables of the program have them.
table() {
	case $1 in
	run) file=options.c ;;
	*) file=$1.c ;;
	esac
	{
		cat "$src/cli/$file"
		for macro in WAIT_OPTIONS COMMON_OPTIONS; do
			grep -q "^.*$macro" "$src/cli/$file" && sed -n "/define $macro/,/[^\\\\]\$/p" "$src/cli/parse.h"
		done
	} | grep -o '{ "[a-z-]*", [a-z]*_argument' | sed 's/{ "\([a-z-]*\)".*/--\1/'
}

# All letters that are not refused as such.
letters() {
	for letter in a b c d e f g h i j k l m n o p q r s t u v w x y z \
	    A B C D E F G H I J K L M N O P Q R S T U V W X Y Z 0 1 2 3 4 5 6 7 8 9; do
		"$IPCLOCK" "$1" "-$letter" --help >/dev/null 2>letter
		grep -q '\(invalid\|unrecognized\|illegal\|unknown\) option' letter || printf '%s\n' "-$letter"
	done
}

# What the page lists in the section of a verb; -h and -V stand with run alone.
of_page() {
	case $1 in
	run) section='Running a command' ;;
	put) section='Replacing a file' ;;
	who) section='Who holds it?' ;;
	probe) section='Does locking work here?' ;;
	esac
	awk -v section=".Ss $section" '
	/^\.S[hs] / { inside = $0 == section }
	inside && /^\.It Fl / {
		for (i = 3; i <= NF && $i != "Ar"; i++)
			if ($i != "," && $i != "Fl")
				print "-" $i
	}' "$page"
	test "$1" = run || printf '%s\n' -h --help -V --version
}

# Each with a value, if it wants one, and help behind it: help comes if all before it was taken.
take() {
	case $2 in
	*=range*) "$IPCLOCK" "$1" "${2%%=*}" range --help ;;
	*=*) "$IPCLOCK" "$1" "${2%%=*}" 7 --help ;;
	*) "$IPCLOCK" "$1" "$2" --help ;;
	esac >/dev/null 2>err
}

for verb in run put who probe; do
	help_options $verb >listed
	yes "$verb: its help lists options" grep -qx -e --help listed
	is "... none twice" '' "$(names <listed | uniq -d)"
	refused=
	for option in $(really <listed); do
		take $verb "$option" || refused="$refused $option"
	done
	is "... the program takes each, with its value" '' "$refused"
	names <listed >all
	is "... and no other letter" "$(really <all | grep -x -e '-.')" "$(letters $verb | sort)"
	is "... nor another name" "$(really <all | grep -e --)" "$(table $verb | sort)"
	of_page $verb | sort >described
	yes "... the manual page describes the same" diff all described
done

# ---- exit statuses: the same table in the help and in the page ----

"$IPCLOCK" help exit | awk '
	/^ +[0-9]+  / { status = $1; sub(/^ +[0-9]+/, "") }
	status != "" { sub(/^ +/, ""); sub(/   *.*/, ""); print status, $0 }' >statuses.help
awk '/^\.Sh / { inside = $0 == ".Sh EXIT STATUS" }
	inside && /^\.It [0-9]/ {
		sub(/^\.It /, ""); gsub(/ No /, ""); n = split($0, cell, / *Ta */)
		gsub(/(Cm|Fl) -?/, "", cell[3]); print cell[1], cell[3]
	}' "$page" >statuses.page
yes "help and page have a table of statuses" test "$(wc -l <statuses.help)" -gt 20
sed 's/--new/new/; s/run NUMBER/run/' statuses.help | sort >sorted.help
sort statuses.page >sorted.page
yes "... of the same verbs for each" diff sorted.help sorted.page

# ---- each status is seen ----

# ends STATUS COMMAND, as the shell reads it, [TEXT]
ends() {
	eval "$2" >out 2>err </dev/null
	is "${3:-$2}: $1" "$1" $?
}

: >f
: >g
can_see=false
hold a f
if "$IPCLOCK" who f >/dev/null 2>&1; then
	can_see=true
fi
while IFS='|' read -r wanted command; do
	ends "$wanted" "$command"
done <<'TABLE'
0|"$IPCLOCK" put g
0|"$IPCLOCK" probe .
0|"$IPCLOCK" help exit
1|"$IPCLOCK" run -n f true
9|"$IPCLOCK" run -n -E 9 f true
1|"$IPCLOCK" put --new g
9|"$IPCLOCK" put --new -E 9 g
1|"$IPCLOCK" put -n --lock f g
9|"$IPCLOCK" put -n -E 9 --lock f g
64|"$IPCLOCK" run
64|"$IPCLOCK" put
64|"$IPCLOCK" who
64|"$IPCLOCK" probe
64|"$IPCLOCK" help no
65|"$IPCLOCK" run 77
65|"$IPCLOCK" run --soft s rm s
66|"$IPCLOCK" run no/f true
66|"$IPCLOCK" put --lock no/f g
66|"$IPCLOCK" put no/g
66|"$IPCLOCK" put .
66|"$IPCLOCK" who no
66|"$IPCLOCK" probe no
69|"$IPCLOCK" run g ./no
74|"$IPCLOCK" put g <.
137|"$IPCLOCK" run -o g sh -c 'kill -9 $$'
TABLE
if test "$IPCLOCK_RANGE_LOCKS" = ofd; then
	ends 0 '"$IPCLOCK" run 9 9<>g'
	ends 0 '"$IPCLOCK" run -u 9 9<>g'
	ends 65 '"$IPCLOCK" run 9 9<g'
	yes "... says that it is not open for that" grep -q 'not open for' err
else
	skip "run NUMBER" "these locks belong to a process"
fi
if $can_see; then
	ends 0 '"$IPCLOCK" who f'
	ends 1 '"$IPCLOCK" who g'
else
	skip "who" "this system does not tell of locks"
fi
end a

if test -c /dev/full; then
	for verb in run put who probe help; do
		ends 74 "\"\$IPCLOCK\" $verb --help >/dev/full"
	done
	ends 74 '"$IPCLOCK" run --verbose g true >/dev/full'
else
	skip "74: the standard output" "no /dev/full"
fi
# Written at once, and the file may have no byte.
if (trap '' XFSZ && ulimit -f 0) 2>/dev/null; then
	ends 74 '(exit "$(trap "" XFSZ; ulimit -f 0; "$IPCLOCK" run --pidfile pid true 2>/dev/null; echo $?)")' \
		'a pid file that cannot be written'
else
	skip "74: the pid file" "no ulimit -f"
fi

# The program itself, without libtool's script, which wants descriptors of its own.
real=$IPCLOCK
test ! -x "${IPCLOCK%/*}/.libs/ipclock" || real=${IPCLOCK%/*}/.libs/ipclock
few='ulimit -n 4; LD_LIBRARY_PATH=${IPCLOCK%/*}/.libs; export LD_LIBRARY_PATH; exec "$real"'
if (eval "$few --version") >/dev/null 2>&1; then
	for arguments in 'run -j 2 g true' 'run --soft s true' 'put g' 'who f' 'probe .'; do
		ends 71 "($few $arguments)" "no descriptors, $arguments"
	done
else
	skip "71" "the program does not start with four descriptors"
fi

mkdir ro
inside() {
	unshare -rm sh -c 'mount -t tmpfs -o ro none ro && exec "$@"' sh "$@"
}
if inside true 2>/dev/null; then
	ends 73 'inside "$IPCLOCK" run ro/f true'
	ends 73 'inside "$IPCLOCK" put ro/f'
	ends 73 'inside "$IPCLOCK" put --lock ro/f g'
	ends 73 'inside "$IPCLOCK" probe ro'
else
	skip "73" "no name space for mounts"
fi

# Where there are no locks, and nobody tells of them.
cat >none.c <<'CODE'
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

static int
control(const char *name, int fd, int what, void *more)
{
	int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);

	switch (what) {
	case F_GETLK: case F_SETLK: case F_SETLKW: case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW:
		errno = EINVAL;
		return -1;
	default:
		return real(fd, what, more);
	}
}

#define CONTROL(name) \
	int \
	name(int fd, int what, ...) \
	{ \
		va_list ap; \
		void *more; \
		va_start(ap, what); \
		more = va_arg(ap, void *); \
		va_end(ap); \
		return control(#name, fd, what, more); \
	}
CONTROL(fcntl)
CONTROL(fcntl64)

DIR *
opendir(const char *path)
{
	DIR *(*real)(const char *) = (DIR *(*)(const char *))dlsym(RTLD_NEXT, "opendir");

	errno = EACCES;
	return strcmp(path, "/proc") == 0 ? NULL : real(path);
}
CODE
none() {
	LD_PRELOAD=$dir/none.so "$IPCLOCK" "$@"
}
# shellcheck disable=SC2086
if ${CC:-cc} -shared -fPIC -o none.so none.c -ldl 2>/dev/null && none --version >/dev/null 2>&1 &&
	! none run f true 2>/dev/null; then
	ends 65 'none run f true'
	ends 65 'none run -j 2 f true'
	ends 65 'none run --pidfile pid true'
	ends 65 'none put --lock f g'
	ends 1 'none probe .'
	if unshare -rm mount -t tmpfs none /proc 2>/dev/null; then
		ends 65 'unshare -rm sh -c "mount -t tmpfs none /proc && LD_PRELOAD=$dir/none.so $IPCLOCK who f"' 'nobody tells, who f'
	else
		skip "65: who" "no name space for mounts"
	fi
else
	skip "65: no locks" "the calls of the program cannot be intercepted here"
fi

echo "1..$n"
test $bad = 0
