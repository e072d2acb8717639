# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# What the tests of the program share: read by them, not run.  IPCLOCK is the
# program's path; IPCLOCK_RANGE_LOCKS, ofd or posix, the locks that it was built with.
# shellcheck disable=SC2119,SC2120

: "${IPCLOCK:=./ipclock}" "${IPCLOCK_RANGE_LOCKS:=ofd}"
case $IPCLOCK in
/*) ;;
*) IPCLOCK=$PWD/$IPCLOCK ;;
esac
src=${top_srcdir:-.}
case $src in
/*) ;;
*) src=$PWD/$src ;;
esac
SHELL=/bin/sh
export IPCLOCK SHELL
holders=

dir=$(mktemp -d "${TMPDIR:-/tmp}/ipclock-cli.XXXXXX") || exit 99
chmod 755 "$dir"
cd "$dir" || exit 99

# Those that are still ours: one that has ended leaves its number to a stranger, soon where many processes come and go.
kill_holders() {
	for holder in $holders; do
		test "$(ps -o ppid= -p "$holder" | tr -d ' ')" != $$ || kill -9 "$holder"
	done 2>/dev/null
}
trap 'kill_holders; cd /; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# ---- telling ----

n=0
bad=0

ok() {
	n=$((n + 1))
	echo "ok $n - $1"
}

not_ok() {
	n=$((n + 1))
	bad=$((bad + 1))
	echo "not ok $n - $1"
	shift
	for line; do
		echo "# $line"
	done
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# is TEXT WANTED GOT
is() {
	if test "$2" = "$3"; then
		ok "$1"
	else
		not_ok "$1" "wanted: $2" "got:    $3" "stderr: $(head -n 3 err 2>/dev/null)"
	fi
}

# yes TEXT COMMAND...
yes() {
	label=$1
	shift
	if "$@"; then
		ok "$label"
	else
		not_ok "$label" "failed: $*" "stderr: $(head -n 3 err 2>/dev/null)"
	fi
}

no() {
	label=$1
	shift
	if "$@"; then
		not_ok "$label" "succeeded: $*"
	else
		ok "$label"
	fi
}

# ---- doing ----

# Runs a command; its output is in the files out and err.
run() {
	"$@" >out 2>err </dev/null
	status=$?
}

# gives TEXT STATUS ARGUMENT... of `ipclock run`
gives() {
	label=$1 wanted=$2
	shift 2
	run "$IPCLOCK" run "$@"
	is "$label" "$wanted" "$status"
}

# Until a command succeeds, but not for ever.
await() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		test "$tries" -lt 400 || return 1
		sleep 0.05
	done
}

# start NAME PROGRAM ARGUMENT...: a process that holds a lock until it is ended.
# The command is sleep(1): nothing else knows the lock's descriptor.
start() {
	name=$1
	shift
	rm -f "$name.held"
	# shellcheck disable=SC2016
	"$@" sh -c 'echo $$ >"$0.held"; exec sleep 120' "$name" >/dev/null 2>&1 </dev/null &
	eval "pid_$name=\$!"
	holders="$holders $!"
	await test -s "$name.held"
}

# hold NAME ARGUMENT... of `ipclock run`, up to the file
hold() {
	name=$1
	shift
	start "$name" "$IPCLOCK" run "$@" || not_ok "a holder: $*"
}

pid() {
	eval "echo \$pid_$1"
}

end() {
	kill "${2:--TERM}" "$(pid "$1")" 2>/dev/null
	wait "$(pid "$1")" 2>/dev/null
}

# The options in the help of a verb, one a line; name=VALUE for one that wants a value.
help_options() {
	"$IPCLOCK" help "$1" | awk '/^ +-/ {
		sub(/^ +/, ""); sub(/  .*/, "")
		n = split($0, word, /,? /)
		value = word[n] ~ /^-/ ? "" : "=" word[n]
		for (i = 1; i <= n; i++) {
			if (word[i] !~ /^-/)
				continue
			print without(word[i]) value
			if (word[i] ~ /\[/) {
				gsub(/[][]/, "", word[i])
				print word[i] value
			}
		}
	}
	function without(text) { sub(/\[.*\]/, "", text); return text }'
}

has() {
	command -v "$1" >/dev/null 2>&1
}
