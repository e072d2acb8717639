#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# The program ipclock, with real processes; and flock(1) beside it, where that
# is installed.
# shellcheck disable=SC2012,SC2119,SC2120

. "${top_srcdir:-.}/tests/cli_support.sh"
LINE=4611686018427387904 # the first byte of the line

# How many numbers in the line of file $1 are taken?
in_line_count() {
	awk -v inode=":$(ls -i "$1" | awk '{ print $1 }')\$" -v line=$LINE \
		'$2 != "->" && $(NF - 2) ~ inode && $(NF - 1) >= line { n++ } END { print n + 0 }' /proc/locks
}

in_line() {
	test "$(in_line_count "$1")" -gt 0
}

more_in_line() {
	test "$(in_line_count "$1")" -gt "$2"
}

is_stopped() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	T*) return 0 ;;
	esac
	return 1
}

: >f
can_see_line=false
can_keep_fd=false
test "$IPCLOCK_RANGE_LOCKS" = ofd && can_keep_fd=true
hold seen f
if grep -q ":$(ls -i f | awk '{ print $1 }') " /proc/locks 2>/dev/null; then
	can_see_line=true
fi
end seen

has_flock=false
if flock --version 2>/dev/null | grep -q util-linux; then
	has_flock=true
fi

# ---- the program ----

run "$IPCLOCK"
is "no verb: usage" 64 "$status"
yes "no verb: help on standard error" test -s err
for option in --help -h; do
	run "$IPCLOCK" $option
	is "ipclock $option" 0 "$status"
	yes "ipclock $option: on standard output" test -s out
done
for option in --version -V; do
	run "$IPCLOCK" $option
	is "ipclock $option" 0 "$status"
	yes "ipclock $option: has a number" grep -q '[0-9]\.[0-9]' out
done
run "$IPCLOCK" f true
is "a file in place of the verb: usage" 64 "$status"
yes "a file in place of the verb: hints at run" grep -q 'ipclock run' err
run "$IPCLOCK" -n f true
is "an option in place of the verb: usage" 64 "$status"
if test -c /dev/full; then
	"$IPCLOCK" --help >/dev/full 2>err
	is "help into a full device" 74 $?
	"$IPCLOCK" run --verbose f true >/dev/full 2>err
	is "--verbose into a full device" 74 $?
else
	skip "a full device" "no /dev/full"
fi

# ---- the same as flock(1): STATUS|ARGUMENTS, as the shell reads them ----

same_as_flock() {
	while IFS='|' read -r want arguments; do
		eval "set -- $arguments"
		run "$IPCLOCK" run "$@"
		is "ipclock run $arguments" "$want" "$status"
		if $has_flock; then
			run flock "$@"
			is "flock $arguments" "$want" "$status"
		else
			skip "flock $arguments" "no flock(1) of util-linux"
		fi
	done
}

same_as_flock <<'TABLE'
0|f true
1|f false
3|f sh -c 'exit 3'
143|f sh -c 'kill -TERM $$'
69|f ./no-such-command
69|f ""
69|f /
69|-F f ./no-such-command
69|-o f ./no-such-command
64|
64|-x
64|no-number
64|-n no-number
64|f -c
64|f --command
64|f -c true true
0|f -c true
5|f -c 'exit 5'
5|f --command 'exit 5'
0|f -c 'test "$0" = /bin/sh'
0|f echo -n -x
0|-s f true
0|--shared f true
0|-x f true
0|-e f true
0|--exclusive f true
0|-s -x f true
0|-n f true
0|--nonblock f true
0|--nb f true
0|-w 1 f true
0|-w 1.5 f true
0|-w .5 f true
0|-w 5. f true
0|-w 0 f true
0|--wait 1 f true
0|--wait=1 f true
0|--timeout 1 f true
0|-E 0 f true
0|-E 255 f true
0|--conflict-exit-code 3 f true
0|-u f true
4|-u f sh -c 'exit 4'
0|--unlock f true
3|-o f sh -c 'exit 3'
143|-o f sh -c 'kill -TERM $$'
137|-o f sh -c 'kill -KILL $$'
3|--close f sh -c 'exit 3'
3|-F f sh -c 'exit 3'
3|--no-fork f sh -c 'exit 3'
0|-xn -w1 f true
0|--verbose f true
0|-- f true
0|-h
0|--help
0|-V
0|--version
64|-oF f true
64|-o -F f true
64|-E 256 f true
64|-E -1 f true
64|-E x f true
64|-E 5x f true
64|-E "" f true
64|-E 99999999999999999999 f true
64|-w "" f true
64|-w x f true
64|-w 1x f true
64|-w
64|-E
64|-c true
64|-Z f true
64|--no-such-option f true
64|--shared=1 f true
65|77
65|-s 77
65|-u 77
66|no-such-directory/f true
66|"" true
66|f/f true
TABLE

hold a f
if $has_flock; then
	start b flock -F f
fi
same_as_flock <<'TABLE'
1|-n f true
1|--nb f true
1|--nonblock f true
1|-s -n f true
1|-w 0 f true
1|-w 0.0 f true
1|-w 0.05 f true
1|-w .05 -s f true
1|--wait 0.05 f true
1|--timeout=0.05 f true
1|-n -w 60 f true
1|-w 60 -n f true
7|-E 7 -n f true
7|-n -E 7 f true
7|--conflict-exit-code=7 -n f true
0|-E 0 -n f true
255|-E 255 -n f true
7|-E 7 -w 0.05 f true
1|-n -o f true
1|-n f -c true
0|-u f true
TABLE
end a
if $has_flock; then
	end b
fi

# ---- what flock(1) has not, or takes otherwise ----

while IFS='|' read -r want arguments; do
	eval "set -- $arguments"
	gives "ipclock run $arguments" "$want" "$@"
	test "$want" = 0 || yes "... says why" grep -q '^ipclock: ' err
	test "$want" = 0 || no "... and makes no file" test -e new
	rm -f new
done <<'TABLE'
0|-r new true
0|--read new true
0|--nonblocking new true
0|--fcntl new true
0|--fcntl -s new true
0|--slot 0 new true
0|--slot 2097151 new true
0|--unfair new true
0|--poll new true
0|--delay 0.001 new true
0|--delay 2147483.647 new true
0|--max-delay 0 new true
0|--delay 0.02 --max-delay 0.3 new true
0|--protocol range new true
0|--protocol=range new true
0|-w 2147483.647 new true
0|-w 0.00000000000000000001 new true
0|--protocol flock new true
0|--protocol flock . true
64|--protocol flock --slot 1 new true
64|--protocol fcntl new true
64|--protocol "" new true
64|--slot 2097152 new true
64|--slot -1 new true
64|--slot 1x new true
64|--slot "" new true
64|--slot 99999999999999999999 new true
64|--slot 0 --fcntl new true
64|--fcntl --protocol flock new true
64|--delay 0 new true
64|--delay -1 new true
64|--delay x new true
64|--max-delay -0.1 new true
64|--max-delay nan new true
64|-w -1 new true
64|-w +1 new true
64|-w " 1" new true
64|-w "1 " new true
64|-w 1,5 new true
64|-w 1e3 new true
64|-w 0x10 new true
64|-w nan new true
64|-w inf new true
64|-w . new true
64|-w 1.2.3 new true
64|-w 2147483.648 new true
64|-w 2147483.6471 new true
64|-w 2147484 new true
64|-w 99999999999999999999999999999999 new true
64|-n
64|99999999999999999999
66|"$(printf '%05000d' 1)" true
66|. true
66|/dev/null true
TABLE

ln -s target link
gives "a symbolic link as lock file" 66 link true
no "... and its target is not made" test -e target
mkfifo fifo
gives "a FIFO as lock file" 66 fifo true

# ---- the lock file ----

(umask 027 && exec "$IPCLOCK" run made true)
is "the file is made, with the umask's permissions" -rw-r----- "$(ls -l made | cut -c 1-10)"
echo contents >kept
gives "a file with contents" 0 kept true
gives "... written by the command" 0 kept -c 'echo more >>kept'
is "... is not truncated" "contents more " "$(tr '\n' ' ' <kept)"

as_user() {
	if test "$(id -u)" = 0; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}
: >read-only
chmod 444 read-only
if as_user test -x "$IPCLOCK" 2>/dev/null && as_user "$IPCLOCK" --version >/dev/null 2>&1; then
	run as_user "$IPCLOCK" run -s read-only true
	is "to read a file that can only be read" 0 "$status"
	run as_user "$IPCLOCK" run read-only true
	is "to write a file that can only be read" 66 "$status"
	yes "... says why" grep -q '^ipclock: .*read-only' err
	mkdir locked-up
	chmod 555 locked-up
	run as_user "$IPCLOCK" run locked-up/f true
	is "a directory that cannot be written" 66 "$status"
else
	skip "files that can only be read" "no other user can run the program"
fi

# shellcheck disable=SC2016
full='mkdir -p ro && mount -t tmpfs -o ro none ro && exec "$@" ro/f true'
if unshare -rm sh -c "$full" sh true 2>/dev/null; then
	run unshare -rm sh -c "$full" sh "$IPCLOCK" run
	is "a read-only file system" 73 "$status"
else
	skip "a read-only file system" "no name space for mounts"
fi

# ---- who excludes whom ----

hold a -s f
gives "two readers share" 0 -n -s f true
gives "... by -r, too" 0 -n -r f true
gives "a reader excludes a writer" 1 -n f true
hold b -s f
end a
gives "... as long as the last one reads" 1 -n f true
end b
gives "... and no longer" 0 -n f true

hold a --slot 3 f
gives "a slot excludes itself" 1 -n --slot 3 f true
gives "... in both modes" 1 -n -s --slot 3 f true
gives "... and no other slot" 0 -n --slot 4 f true
gives "... nor the one that is the default" 0 -n f true
gives "... but the whole file" 1 -n --fcntl f true
end a
hold a --fcntl f
gives "the whole file excludes itself" 1 -n --fcntl f true
gives "... its readers" 1 -n -s --fcntl f true
gives "... a slot" 1 -n f true
gives "... each slot" 1 -n --slot 77 f true
end a
hold a -s --fcntl f
gives "two readers of the whole file share" 0 -n -s --fcntl f true
end a
hold a --unfair f
gives "--unfair excludes" 1 -n f true
gives "... and is excluded" 1 -n --unfair f true
gives "--poll is excluded" 1 -n --poll f true
gives "... in vain, with a timeout" 1 --poll -w 0.05 --delay 0.001 --max-delay 0.002 f true
end a
if $has_flock; then
	start a flock -F f
	gives "flock(2) and a range do not see each other" 0 -n f true
	end a
fi

# ---- how long it is held ----

hold a f
is "the program becomes the command" "$(pid a)" "$(cat a.held)"
end a -KILL
gives "a killed holder holds nothing" 0 -n f true
gives "nothing is held after the command's end" 0 -n f true

# shellcheck disable=SC2016
heir='sleep 120 >/dev/null 2>&1 & echo $! >heir'
if $can_keep_fd; then
	gives "a command that leaves a process behind" 0 f sh -c "$heir"
	holders="$holders $(cat heir)"
	gives "... which has the descriptor: still held" 1 -n f true
	kill "$(cat heir)"
	yes "... until its end" await "$IPCLOCK" run -n f true
else
	skip "a process that is left behind has the lock" "these locks belong to a process"
fi
gives "-o: a command that leaves a process behind" 0 -o f sh -c "$heir"
holders="$holders $(cat heir)"
gives "... which has no descriptor: not held" 0 -n f true
kill "$(cat heir)"

hold a -o f
no "-o: the program stays" test "$(pid a)" = "$(cat a.held)"
gives "-o: the lock is held" 1 -n f true
kill "$(pid a)"
wait "$(pid a)" 2>/dev/null
is "-o: a signal is passed on, and the status handed back" 143 $?
no "... the command has ended" kill -0 "$(cat a.held)" 2>/dev/null
gives "... and nothing is held" 0 -n f true

# shellcheck disable=SC2016
"$IPCLOCK" run -o f sh -c 'trap "exit 9" TERM; echo $$ >trapper; while :; do sleep 0.05; done' &
holders="$holders $!"
await test -s trapper
kill -TERM $!
wait $!
is "-o: a command that handles the signal says how it ends" 9 $?
# Not by trap: dash does not ignore SIGCHLD, and a shell cannot undo what was ignored before it.
if env --ignore-signal=CHLD true 2>/dev/null; then
	run env --ignore-signal=CHLD "$IPCLOCK" run -o f sh -c 'exit 3'
	is "-o: where SIGCHLD is ignored" 3 "$status"
	# shellcheck disable=SC2016
	run env --ignore-signal=HUP "$IPCLOCK" run -o f env --default-signal=HUP sh -c \
		'trap "exit 4" TERM; kill -HUP $PPID; kill -TERM $PPID; while :; do sleep 0.05; done'
	is "-o: where SIGHUP is ignored, as with nohup(1), it is not passed on" 4 "$status"
else
	skip "-o: ignored signals" "env(1) cannot ignore any"
fi

# ---- what it says ----

gives "--verbose" 0 --verbose f true
yes "... says how long it took" grep -q '^ipclock: getting lock took [0-9]*\.[0-9]* seconds$' out
yes "... and what is executed" grep -q '^ipclock: executing true$' out
gives "not verbose" 0 f echo word
is "... the command's output is all" word "$(cat out)"
hold a f
gives "--verbose -n in vain" 1 --verbose -n f true
yes "... says so" grep -q '^ipclock: ' err
gives "--verbose -w in vain" 1 --verbose -w 0.05 f true
yes "... says so" grep -q '^ipclock: ' err
gives "-n in vain" 1 -n f true
no "... is silent" test -s err
gives "-w in vain" 1 -w 1.2 f true
no "... is silent where there is no terminal" test -s err

if has script && script -qec true /dev/null >/dev/null 2>&1; then
	# shellcheck disable=SC2016
	script -qec '"$IPCLOCK" run -w 2.5 -E 9 f true' typescript >/dev/null 2>&1 </dev/null
	is "in vain on a terminal" 9 $?
	tr '\r' '\n' <typescript >shown
	yes "... says for what it waits" grep -q "^ipclock: waiting to write f: 1 s so far, 2.5 s at most" shown
	yes "... and again after a second" grep -q "^ipclock: waiting to write f: 2 s so far" shown
	yes "... and wipes it away" grep -q '^  *$' shown
else
	skip "the line on a terminal" "no script(1)"
fi
end a

# ---- waiting ----

wait_behind() {
	text=$1
	shift
	hold a f
	rm -f got
	"$IPCLOCK" run "$@" f sh -c 'echo >got' &
	waiter=$!
	holders="$holders $waiter"
	case $can_see_line:$* in
	false:* | *--unfair* | *--fcntl*) ;;
	*) yes "$text: stands in line" await in_line f ;;
	esac
	no "$text: waits" test -e got
	end a "$signal"
	wait $waiter
	is "$text: is next" 0 $?
	yes "$text: runs" test -e got
}
signal=-TERM
wait_behind "a writer"
wait_behind "a reader" -s
wait_behind "a writer with a timeout" -w 60
wait_behind "a reader with a timeout" -s -w 60
wait_behind "a writer that asks" --poll --delay 0.005 --max-delay 0.02
wait_behind "an unfair writer" --unfair
wait_behind "a writer of the whole file" --fcntl
wait_behind "a writer with -o" -o
signal=-KILL
wait_behind "behind a killed holder"

hold a f
"$IPCLOCK" run f true 2>/dev/null &
waiter=$!
if $can_see_line; then
	yes "a waiter stands in line" await in_line f
	kill -TERM $waiter
	wait $waiter 2>/dev/null
	is "... is ended by a signal, as if it had not caught it" 143 $?
	no "... and has left the line" in_line f
else
	kill -TERM $waiter
	skip "a signal ends a wait" "the line cannot be seen here"
fi
end a

# The signals of a command that had to wait are those of one that had not; 32 and 33 are glibc's own, for its threads.
signals() {
	sed 's/\(.......\)..\(.......\)$/\1--\2/' "$1"
}
if test -r /proc/self/status; then
	hold a f
	"$IPCLOCK" run f grep '^Sig[BIC]' /proc/self/status >waited &
	waiter=$!
	$can_see_line && await in_line f
	end a
	wait $waiter
	"$IPCLOCK" run f grep '^Sig[BIC]' /proc/self/status >direct &
	wait $!
	is "a command that had to wait finds signals as they were" "$(signals direct)" "$(signals waited)"
else
	skip "signals after a wait" "no /proc/self/status"
fi

# ---- stopping ----

# stoppable PROLOGUE ARGUMENT...: timeout(1) is a process group of its own; an
# orphaned group, as a container's may be, is not stopped by the kernel.
stoppable() {
	prologue=$1
	shift
	rm -f waiter got
	timeout 60 sh -c "$prologue"' echo $$ >waiter; exec "$@"' sh "$IPCLOCK" run "$@" f sh -c 'echo >got' &
	job=$!
	holders="$holders $job"
	await test -s waiter && await in_line f
}

stop_and_go() {
	text=$1
	shift
	hold a f
	yes "$text: stands in line" stoppable '' "$@"
	kill -TSTP "$(cat waiter)"
	yes "$text: SIGTSTP stops it" await is_stopped "$(cat waiter)"
	no "$text: ... outside the line" in_line f
	kill -CONT "$(cat waiter)"
	yes "$text: SIGCONT brings it back into line" await in_line f
	kill -TSTP "$(cat waiter)"
	yes "$text: SIGTSTP stops it again" await is_stopped "$(cat waiter)"
	no "$text: ... outside the line" in_line f
	end a
	gives "$text: a stopped one is in nobody's way" 0 -n f true
	kill -CONT "$(cat waiter)"
	wait "$job"
	is "$text: SIGCONT: it is its turn" 0 $?
	yes "$text: it runs" test -e got
}

if $can_see_line && has timeout; then
	stop_and_go "a writer"
	stop_and_go "a reader with a timeout" -s -w 60
	stop_and_go "a writer that asks" --poll

	hold a f
	yes "a waiter with a short timeout stands in line" stoppable '' -w 2 -E 9
	kill -TSTP "$(cat waiter)"
	yes "... is stopped" await is_stopped "$(cat waiter)"
	sleep 2
	kill -CONT "$(cat waiter)"
	wait "$job"
	is "... and is late when it goes on" 9 $?
	end a

	hold a f
	yes "where SIGTSTP is ignored a waiter stands in line" stoppable 'trap "" TSTP;'
	first=$job
	numbers=$(in_line_count f)
	"$IPCLOCK" run f test -e got &
	second=$!
	holders="$holders $second"
	yes "... another behind it" await more_in_line f "$numbers"
	kill -TSTP "$(cat waiter)"
	sleep 0.1
	no "... is not stopped" is_stopped "$(cat waiter)"
	end a
	wait "$first"
	is "... has its turn" 0 $?
	wait "$second"
	is "... and the other comes after it" 0 $?
else
	skip "SIGTSTP leaves the line" "the line cannot be seen here, or there is no timeout(1)"
fi

# ---- a descriptor of the shell's ----

if $can_keep_fd; then
	exec 9<>f
	gives "a descriptor to read and write" 0 9
	gives "... holds after the program's end" 1 -n f true
	gives "... excludes readers" 1 -n -s f true
	gives "... may ask again: it is its own" 0 -n 9
	gives "... -s turns write into read" 0 -n -s 9
	gives "... so readers may read" 0 -n -s f true
	gives "... and writers may not write" 1 -n f true
	gives "... -x turns read into write" 0 -n -x 9
	gives "... so readers may not read" 1 -n -s f true
	gives "... -u" 0 -u 9
	gives "... releases" 0 -n f true
	gives "... -u of what is not held" 0 -u 9
	gives "... for reading" 0 -s 9
	gives "... is shared" 0 -n -s f true
	gives "... excludes a writer" 1 -n f true
	hold a -s f 9>&-
	gives "... cannot become a writer's beside another reader" 1 -n 9
	gives "... -u beside another reader" 0 -u 9
	end a
	gives "... releases" 0 -n f true
	hold a f 9>&-
	gives "... in vain" 1 -n 9
	gives "... in vain, in time" 1 -w 0.05 9
	gives "... in vain, with a status" 8 -E 8 -n 9
	gives "... -u where another holds" 0 -u 9
	gives "... leaves the other's lock" 1 -n f true
	end a
	gives "... with a slot" 0 --slot 5 9
	gives "... that slot is held" 1 -n --slot 5 f true
	gives "... and no other" 0 -n f true
	gives "... -u of another slot" 0 -u 9
	gives "... releases it not" 1 -n --slot 5 f true
	gives "... -u of that slot" 0 -u --slot 5 9
	gives "... releases it" 0 -n --slot 5 f true
	gives "... the whole file" 0 --fcntl 9
	gives "... is held" 1 -n --fcntl f true
	gives "... -u of the whole file" 0 -u --fcntl 9
	gives "... releases it" 0 -n --fcntl f true
	if $can_see_line; then
		gives "... where another waits" 0 9
		"$IPCLOCK" run f true 9>&- &
		waiter=$!
		holders="$holders $waiter"
		yes "... in line" await in_line f
		gives "... may ask again, and does not wait for itself" 0 -w 60 9
		gives "... -u" 0 -u 9
		wait "$waiter"
		is "... lets the waiter on" 0 $?
	fi
	gives "... once more" 0 9
	exec 9>&-
	gives "a descriptor that is closed holds nothing" 0 -n f true

	exec 9>f
	gives "a descriptor to write" 0 9
	gives "... holds" 1 -n f true
	gives "... -u" 0 -u 9
	gives "... releases" 0 -n f true
	gives "... -u of what is not held" 0 -u 9
	hold a f 9>&-
	gives "... in vain, in time" 1 -w 0.05 9
	gives "... -u where another holds" 0 -u 9
	end a
	gives "... cannot read" 65 -s 9
	yes "... says why" grep -q '^ipclock: ' err
	exec 9>&-

	exec 9<f
	gives "a descriptor to read" 0 -s 9
	gives "... is shared" 0 -n -s f true
	gives "... excludes a writer" 1 -n f true
	gives "... -u" 0 -u 9
	gives "... releases" 0 -n f true
	gives "... cannot write" 65 9
	yes "... says why" grep -q '^ipclock: ' err
	hold a f 9>&-
	gives "... in vain, in time" 1 -s -w 0.05 9
	end a
	exec 9<&-

	(
		"$IPCLOCK" run -n 9 || exit 20
		"$IPCLOCK" run -n f true && exit 21
		exit 0
	) 9>f
	is "a part of a script under a lock" 0 $?
	gives "... which ends with it" 0 -n f true
	exec 9</dev/null
	gives "a descriptor of a device" 65 -s 9
	exec 9<&-
else
	exec 9<>f
	gives "a descriptor, where locks belong to a process" 65 9
	exec 9>&-
fi

# ---- names that a terminal would obey ----

odd=$(printf 'no\033[31m/\nipclock: f\302\233\303\251')
run "$IPCLOCK" run "$odd" true
is "a name with control characters" "66 1" "$status $(wc -l <err | tr -d ' ')"
yes "... is shown without them" grep -aqF "$(printf 'no?[31m/?ipclock: f??\303\251')" err

# ---- who ----

while IFS='|' read -r wanted arguments; do
	# shellcheck disable=SC2086
	run "$IPCLOCK" who $arguments
	is "who $arguments" "$wanted" "$status"
done <<'TABLE'
64|
64|f f
64|--slot 2097152 f
64|--slot x f
64|--protocol x f
64|--protocol flock --slot 1 f
64|--fcntl --slot 1 f
64|--soft --slot 1 f
64|--soft --fcntl f
64|--soft --protocol flock f
64|--soft --redis redis://localhost f
64|--nothing f
66|not-there
66|--soft .
1|--soft not-there
66|.
0|--help
TABLE
no "who makes no file" test -e not-there

# who TEXT STATUS ARGUMENT...
who() {
	label=$1 wanted=$2
	shift 2
	run "$IPCLOCK" who "$@"
	is "$label" "$wanted" "$status"
}

if $can_see_line; then
	who "who of a free lock" 1 f
	no "... says nothing" test -s out
	who "who --json of a free lock" 1 --json f
	is "... is an empty array" "[]" "$(cat out)"
	hold a --slot 3 f
	row=$(printf '%-8s %-16s %-6s %s' "$(cat a.held)" sleep write holds)
	who "who of another slot" 1 f
	who "who --protocol flock of a range" 1 --protocol flock f
	who "who --slot" 0 --slot 3 f
	yes "... names the holder" grep -qxF "$row" out
	who "who --fcntl" 0 --fcntl f
	yes "... sees it as well" grep -qxF "$row" out
	ln f 'odd "name'
	who "who of another name of the file" 0 --slot=3 'odd "name'
	who "who --json" 0 --slot 3 --json f
	is "... tells it all" "[ {\"pid\": $(cat a.held), \"command\": \"sleep\", \"mode\": \"write\", \
\"state\": \"holds\", \"place\": 0, \"protocol\": \"range\", \"slot\": 3} ]" "$(tr -s '\n ' ' ' <out | sed 's/ $//')"
	gives "run --verbose in vain" 1 --verbose -n --slot 3 f true
	yes "... names the holder" grep -qF "; held by pid $(cat a.held) (write)" err
	"$IPCLOCK" run -s --slot 3 f true &
	waiter=$!
	holders="$holders $waiter"
	yes "a reader waits" await in_line f
	who "who of a holder and a waiter" 0 --slot 3 f
	yes "... names the waiter" grep -qE "^$waiter +[^ ]+ +read +place 1\$" out
	end a
	wait "$waiter"
	hold b --protocol flock -s f
	who "who --protocol flock" 0 --protocol flock f
	yes "... names the holder" grep -qE "^$(cat b.held) +sleep +read +holds\$" out
	end b
	hold c -j 2 f
	hold d -j 2 f
	"$IPCLOCK" run -j 2 f true &
	waiter=$!
	holders="$holders $waiter"
	three() {
		who "who of a semaphore" 0 f >/dev/null
		test "$(wc -l <out)" -eq 4
	}
	yes "who of a semaphore tells two that hold and one that waits" await three
	for name in c d; do
		yes "... names who has a slot" grep -qE "^$(cat $name.held) +sleep +write +holds slot [01]\$" out
	done
	is "... of which there are two" 2 "$(grep -oE 'slot [01]$' out | sort -u | wc -l | tr -d ' ')"
	yes "... names the waiter" grep -qE "^$waiter +[^ ]+ +write +place 1 for a slot\$" out
	who "... with --fcntl" 0 --fcntl f
	yes "... names who has a slot" grep -qE "^$(cat c.held) +sleep +write +holds\$" out
	who "... another semaphore of the file" 1 --slot 1 f
	who "... a slot beyond all semaphores" 1 --slot 2097151 f
	end d
	wait "$waiter"
	who "who --json of a semaphore" 0 --json f
	yes "... tells its slot" grep -qE "^  \{\"pid\": $(cat c.held), \"command\": \"sleep\", \"mode\": \"write\", \
\"state\": \"holds\", \"place\": 0, \"protocol\": \"semaphore\", \"slot\": [01]\}\$" out
	end c
	who "... free again" 1 f
	if printf '\001' >/proc/self/comm 2>/dev/null && has python3; then
		mkfifo odd.fifo
		"$IPCLOCK" run f \
			sh -c 'printf "\"\\\\\001\303\251\377\302\233" >/proc/$$/comm; echo $$ >odd.held; read -r _ <odd.fifo' &
		odd=$!
		yes "a holder with an odd name" await test -s odd.held
		who "who --json of it" 0 --json f
		yes "... is JSON" python3 -c 'import json
assert json.load(open("out", encoding="utf-8"))[0]["command"] == "\"\\\x01\xe9\ufffd\x9b"'
		who "who of it" 0 f
		yes "... has no control characters" grep -aq "$(printf '"\\\\?\303\251???  ')" out
		echo >odd.fifo
		wait $odd
	fi
else
	skip "who" "this system does not tell of locks"
fi

# ---- who --soft ----

run "$IPCLOCK" who --soft --json m
is "who --soft --json without a marker" "1 []" "$status $(cat out)"
hold a --soft m
run "$IPCLOCK" who --soft m
is "who --soft" "0 PID HOST STATE $(head -n 1 m) $(uname -n) alive " "$status $(tr -s '\n ' ' ' <out)"
run "$IPCLOCK" who --soft --json m
is "who --soft --json" "0 [ {\"pid\": $(head -n 1 m), \"host\": \"$(uname -n)\", \"state\": \"alive\"} ] " \
	"$status $(tr -s '\n ' ' ' <out)"
kill -9 "$(pid a)"
wait "$(pid a)"
kill "$(cat a.held)"
if test -r /proc/self/stat; then
	run "$IPCLOCK" who --soft m
	is "... of a dead owner" "0 dead" "$status $(awk 'NR == 2 { print $3 }' out)"
else
	skip "... of a dead owner" "this system does not tell who is dead"
fi
printf '17\n\033[31mhost\n' >m
run "$IPCLOCK" who --soft m
is "... a host that a terminal would obey" "0 17 - unknown" "$status $(awk 'NR == 2 { print $1, $2, $3 }' out)"
: >m
run "$IPCLOCK" who --soft --json m
is "... a file that tells nothing" "0 [ {\"pid\": null, \"host\": null, \"state\": \"unknown\"} ] " \
	"$status $(tr -s '\n ' ' ' <out)"
rm m

echo "1..$n"
test $bad = 0
