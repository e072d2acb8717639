#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# The program ipclock with locks of other kinds, and its verb put: real processes.
# shellcheck disable=SC2012,SC2016,SC2086

. "${top_srcdir:-.}/tests/cli_support.sh"

# job COMMAND...: runs it in the background.  A signal before the shell has become it might be lost.
job() {
	rm -f job.ready
	sh -c 'echo >job.ready; exec "$@" <"$0"' "${input:-/dev/null}" "$@" >job.out 2>job.err &
	job=$!
	holders="$holders $job"
	await test -e job.ready
}

finish() {
	wait "$job"
	status=$?
}

status_of() {
	case $1 in
	HUP) echo 129 ;;
	INT) echo 130 ;;
	TERM) echo 143 ;;
	esac
}

is_gone() {
	! test -e "$1"
}

# What the shell runs in the background ignores SIGINT, and under nohup(1) SIGHUP.
int='' default=''
if env --default-signal=INT,HUP true 2>/dev/null; then
	int=INT default='env --default-signal=INT,HUP'
fi

# ---- usage ----

while IFS='|' read -r arguments; do
	eval "set -- $arguments"
	gives "ipclock run $arguments: usage" 64 "$@"
	yes "... says why" grep -q '^ipclock: ' err
	no "... and makes no file" test -e new
done <<'TABLE'
-j
-j 0 new true
-j -1 new true
-j x new true
-j "" new true
-j 4097 new true
-j 99999999999999999999 new true
-j 2 -s new true
-j 2 -u new true
-j 2 --slot 1048576 new true
-j 2 --fcntl new true
-j 2 --protocol flock new true
-j 2 --soft new true
-j 2 --pidfile new true
-j 2 --unlink new true
-j 2 --lease 1 new true
-j 2 9
--soft -s new true
--soft -u new true
--soft -F new true
--soft --slot 0 new true
--soft --fcntl new true
--soft --protocol flock new true
--soft --unfair new true
--soft --poll new true
--soft --pidfile new true
--soft --unlink new true
--soft 9
--soft --lease 0 new true
--soft --lease x new true
--lease 1 new true
--pidfile -s new true
--pidfile -u new true
--pidfile -o new true
--pidfile -w 1 new true
--pidfile --slot 0 new true
--pidfile --fcntl new true
--pidfile --protocol flock new true
--pidfile --unlink new true
--pidfile 9
--unlink -u new true
--unlink -F new true
--unlink --fcntl new true
--unlink --protocol flock new true
--unlink 9
TABLE

while IFS='|' read -r arguments; do
	eval "set -- $arguments"
	run "$IPCLOCK" put "$@"
	is "ipclock put $arguments: usage" 64 "$status"
	yes "... says why" grep -q '^ipclock: ' err
	no "... and makes no file" test -e new
done <<'TABLE'

new new2
-m 8 new
-m 1000 new
-m "" new
-m rw new
-m
-n new
-w 1 new
-w x --lock l new
-E 256 new
--lock new new
--lock ./new new
--lock new "$PWD/new"
--nothing new
TABLE
echo >old
ln -s old link
run "$IPCLOCK" put --follow --lock old link
is "ipclock put --lock with what a link leads to: usage" 64 "$status"
rm old link
run "$IPCLOCK" put --help
is "ipclock put --help" 0 "$status"
yes "... on standard output" grep -q '^Usage: ipclock put' out

# ---- run -j ----

gives "-j: a command" 5 -j 2 jobs sh -c 'exit 5'
gives "-j: tells the slot" 0 -j 1 jobs sh -c 'test "$IPCLOCK_SLOT" = 0'
gives "-j -o: tells the slot" 0 -j 1 -o jobs sh -c 'test "$IPCLOCK_SLOT" = 0'
gives "-j 4096" 0 -j 4096 jobs true
gives "-j --slot" 0 -j 2 --slot 1048575 jobs true
gives "-j: no such directory" 66 -j 2 no-such-directory/f true

# Each command makes a file and counts what is there: more than two at once are seen by one of them.
mkdir inside
cat >worker <<'WORKER'
echo >"inside/$$"
ls inside | wc -l >>counts
test "$IPCLOCK_SLOT" -lt 2 || echo "$IPCLOCK_SLOT" >>beyond
mkdir "slot.$IPCLOCK_SLOT" || echo "$IPCLOCK_SLOT" >>twice
sleep 0.05
ls inside | wc -l >>counts
rmdir "slot.$IPCLOCK_SLOT"
rm "inside/$$"
WORKER
workers=
for option in '' -o --unfair --poll '-w 60' '--delay 0.001 --max-delay 0.01'; do
	for _ in 1 2 3 4 5; do
		# shellcheck disable=SC2086
		"$IPCLOCK" run $option -j 2 jobs sh worker || echo failed >>failures
	done &
	workers="$workers $!"
done
for worker in $workers; do
	wait "$worker"
done
is "-j 2: six contenders, each has its turns" 60 "$(wc -l <counts | tr -d ' ')"
no "... none fails" test -e failures
is "... at most two at once" 2 "$(sort -n counts | tail -n 1 | tr -d ' ')"
no "... in slots 0 and 1" test -e beyond
no "... no slot twice" test -e twice

start a "$IPCLOCK" run -j 2 jobs sh -c 'echo "$IPCLOCK_SLOT" >a.slot; exec "$@"' sh || not_ok "a holder"
hold b -j 2 jobs
gives "-j 2: two hold: a third, -n" 1 -n -j 2 jobs true
no "... is silent" test -s err
gives "... with a status" 7 -n -E 7 -j 2 jobs true
gives "... with a timeout" 1 -w 0.05 -j 2 jobs true
gives "... --verbose" 1 -w 0.05 --verbose -j 2 jobs true
yes "... says why" grep -q '^ipclock: ' err
job "$IPCLOCK" run -j 2 jobs sh -c 'echo "$IPCLOCK_SLOT" >slot'
no "... waits" test -e slot
end a -KILL
finish
is "... until one is killed" 0 "$status"
is "... and has its slot" "$(cat a.slot)" "$(cat slot)"
gives "... and so have others" 0 -n -j 2 jobs true
hold a -j 2 jobs
is "-j: the program becomes the command" "$(pid a)" "$(cat a.held)"
end a
hold a -o -j 2 jobs
no "-j -o: the program stays" test "$(pid a)" = "$(cat a.held)"
gives "... and holds" 1 -n -j 2 jobs true
job "$IPCLOCK" run -j 2 jobs true
kill -TERM "$job"
finish
is "-j: a signal ends a wait" 143 "$status"
end a
end b
gives "-j: nothing is held afterwards" 0 -n -j 1 jobs true

# ---- run --soft ----

mkdir s
ln -s target link

gives "--soft: the status" 5 --soft s/soft sh -c 'test -e s/soft && exit 5'
yes "--soft: the marker is gone" is_gone s/soft
gives "--soft: a command that cannot be executed" 69 --soft s/soft ./no-such-command
yes "... leaves no marker" is_gone s/soft
gives "--soft: no such directory" 66 --soft no-such-directory/f true
gives "--soft: a symbolic link" 66 --soft link true
gives "--soft: a directory" 66 --soft inside true
hold a --soft s/soft
no "--soft: the program stays" test "$(pid a)" = "$(cat a.held)"
yes "... the marker is there" test -s s/soft
gives "... -n" 1 -n --soft s/soft true
no "... is silent" test -s err
gives "... -E" 9 -n -E 9 --soft s/soft true
gives "... with a timeout" 1 -w 0.05 --delay 0.01 --soft s/soft true
gives "... --verbose" 1 -n --verbose --soft s/soft true
yes "... says why" grep -q '^ipclock: ' err
yes "... and the marker is still there" test -s s/soft
for signal in TERM HUP $int; do
	test $signal = TERM || start a $default "$IPCLOCK" run --soft s/soft ||
		not_ok "a holder"
	kill -$signal "$(pid a)"
	wait "$(pid a)"
	status=$?
	is "--soft: SIG$signal is passed on" "$(status_of $signal)" $status
	yes "... the marker is gone" is_gone s/soft
	no "... the command has ended" kill -0 "$(cat a.held)" 2>/dev/null
done
for signal in USR1 USR2 ALRM PIPE VTALRM PROF XCPU ABRT SYS; do
	hold a --soft s/soft
	kill -$signal "$(pid a)"
	wait "$(pid a)"
	status=$?
	is "--soft: SIG$signal is passed on, too" $signal "$(kill -l $status)"
	yes "... the marker is gone" is_gone s/soft
	no "... the command has ended" kill -0 "$(cat a.held)" 2>/dev/null
done
hold a --unlink gone
kill -USR1 "$(pid a)"
wait "$(pid a)"
yes "--unlink: after SIGUSR1 the file is gone" is_gone gone
no "... the command has ended" kill -0 "$(cat a.held)" 2>/dev/null
job "$IPCLOCK" run --soft s/soft sh -c 'trap "echo >heard" USR1; echo >begun; until test -e heard; do sleep 0.05; done; exit 7'
await test -e begun
kill -USR1 "$job"
finish
is "--soft: a command that bears a signal goes on" 7 "$status"
rm begun heard
if command -v perl >/dev/null; then
	perl -e 'alarm 1; exec @ARGV' "$IPCLOCK" run --soft s/soft sleep 60
	is "--soft: an alarm that was set before is the command's" 142 $?
	yes "... the marker is gone" is_gone s/soft
else
	skip "--soft: an alarm that was set before is the command's" "no perl"
fi

# Held, and not yet running: it has something to say that nobody reads.
mkfifo full
exec 3<>full
dd if=/dev/zero of=full bs=1 oflag=nonblock 2>/dev/null
"$IPCLOCK" run --soft --verbose s/soft sleep 60 >&3 2>err 3>&- &
job=$!
holders="$holders $job"
yes "--soft: held, before the command is started" await test -s s/soft
kill -TERM $job
yes "... what ends it waits" kill -0 $job
cat <&3 >/dev/null &
drain=$!
finish
kill $drain
is "... and is the command's" 143 "$status"
yes "... the marker is gone" is_gone s/soft
exec 3>&-
(await test -e unread && "$IPCLOCK" run --soft --verbose s/soft true 2>err; echo $? >status) |
	sh -c 'exec 0<&-; echo >unread'
await test -s status
no "--soft: nobody reads what it says" test "$(cat status)" = 0
yes "... the marker is gone" is_gone s/soft

hold a --soft s/soft
job "$IPCLOCK" run --soft --delay 0.005 --max-delay 0.01 s/soft sh -c 'echo >soft.got'
no "--soft: waits" test -e soft.got
end a
finish
is "... and is next" 0 "$status"
hold a --soft s/soft
job "$IPCLOCK" run --soft s/soft true
kill -TERM "$job"
finish
is "--soft: a signal ends a wait" 143 "$status"
is "... and no file is left beside the marker" soft "$(ls -A s)"
end a -KILL
kill "$(cat a.held)"
yes "--soft: kill -9 leaves the marker" test -s s/soft
if test -r /proc/self/stat; then
	gives "... stale: the next takes it" 0 -n --soft s/soft true
	yes "... and removes its own" is_gone s/soft
fi
rm -f s/soft

hold a --soft --lease 1 s/soft
gives "--lease: renewed while the command runs, for longer" 1 -w 2 --soft --lease 1 s/soft true
yes "... in one piece" kill -0 "$(cat a.held)"
end a
yes "... the marker is gone" is_gone s/soft
job "$IPCLOCK" run --soft --lease 0.3 s/soft sh -c \
	'trap "echo >ended; exit 7" TERM; echo >begun; for i in $(seq 200); do sleep 0.05; done'
await test -e begun
rm s/soft
finish
is "--lease: lost" 65 "$status"
yes "... says so" grep -q '^ipclock: ' job.err
yes "... and ends the command by SIGTERM" test -e ended
is "--lease: another's marker in its place" 65 "$(
	"$IPCLOCK" run --soft --lease 0.3 s/soft sh -c 'mv s/soft mine; cp mine s/soft; exec sleep 60' 2>/dev/null
	echo $?
)"
yes "... stays" test -s s/soft
rm -f s/soft mine
gives "--soft: removed under our feet" 65 --soft s/soft rm s/soft

# ---- run --pidfile ----

hold a --pidfile pid
is "--pidfile: the program becomes the command" "$(pid a)" "$(cat a.held)"
is "... the file tells its pid" "$(pid a)" "$(cat pid)"
gives "... a second one" 1 --pidfile pid true
no "... is silent" test -s err
gives "... -n -E" 9 -n -E 9 --pidfile pid true
gives "... --verbose" 1 --verbose --pidfile pid true
is "... names the first" "ipclock: pid: already running, pid $(pid a)" "$(cat err)"
is "... the file still tells its pid" "$(pid a)" "$(cat pid)"
end a -KILL
gives "... after its end another may start" 0 -F --pidfile pid sh -c 'test "$(cat pid)" = $$'
gives "--pidfile: the command's status" 5 --pidfile pid sh -c 'exit 5'
gives "--pidfile: no such directory" 66 --pidfile no-such-directory/f true
gives "--pidfile: a command that cannot be executed" 69 --pidfile pid ./no-such-command
yes "... leaves no file" is_gone pid

# ---- run --unlink ----

gives "--unlink: the command's status" 5 --unlink gone sh -c 'test -e gone && exit 5'
yes "... the file is gone" is_gone gone
gives "--unlink: for reading" 0 --unlink -s gone test -e gone
yes "... the file is gone" is_gone gone
hold a --unlink gone
gives "--unlink: held" 1 -n gone true
gives "... -n --unlink" 1 -n --unlink gone true
yes "... the file is there" test -e gone
end a
yes "... the file is gone after a signal" is_gone gone
echo 0 >number
workers=
for _ in 1 2 3 4 5 6 7 8; do
	for _ in 1 2 3 4 5; do
		"$IPCLOCK" run --unlink gone sh -c 'read n <number; echo $((n + 1)) >number'
	done &
	workers="$workers $!"
done
for worker in $workers; do
	wait "$worker"
done
is "--unlink: eight contenders, none is lost" 40 "$(cat number)"
yes "... the file is gone" is_gone gone

# ---- put ----

# put TEXT STATUS ARGUMENT...: with standard input
put() {
	label=$1 wanted=$2
	shift 2
	"$IPCLOCK" put "$@" >out 2>err
	status=$?
	is "$label" "$wanted" "$status"
	test "$wanted" = 0 || yes "... says why" grep -q '^ipclock: ' err
}

mkdir d
echo one >given
put "put: a new file" 0 d/f <given
is "... has the input" one "$(cat d/f)"
echo two >given
put "put: a file that is there" 0 d/f <given
is "... has the input" two "$(cat d/f)"
chmod 640 d/f
put "put: nothing" 0 d/f </dev/null
no "... is an empty file" test -s d/f
is "... which keeps its permissions" -rw-r----- "$(ls -l d/f | cut -c 1-10)"
echo three >given
put "put -m: a file that is there" 0 -m 600 d/f <given
is "... keeps its permissions" -rw-r----- "$(ls -l d/f | cut -c 1-10)"
echo >given
put "put -m: a new file" 0 --mode 604 d/new <given
is "... has these permissions" -rw----r-- "$(ls -l d/new | cut -c 1-10)"
rm d/new
(umask 027 && echo | "$IPCLOCK" put d/new)
is "put: a new file has the umask's permissions" -rw-r----- "$(ls -l d/new | cut -c 1-10)"
rm d/new
echo >given
put "put --new: a new file" 0 --new d/new <given
echo four >given
put "put --new: a file that is there" 1 --new d/f <given
echo four >given
put "put --new -E" 9 --new -E 9 d/f <given
is "... stays" three "$(cat d/f)"
ln -s f d/link
echo four >given
put "put: a symbolic link" 66 d/link <given
is "... stays" three "$(cat d/f)"
echo four >given
put "put --follow: a symbolic link" 0 --follow d/link <given
yes "... is one still" test -L d/link
is "... and its target is replaced" four "$(cat d/f)"
echo >given
put "put: a directory" 66 d <given
echo >given
put "put: no such directory" 66 d/no/f <given
echo >given
put "put: no name" 66 "" <given
dd if=/dev/zero bs=65536 count=40 2>/dev/null >big
put "put: more than a buffer" 0 d/big <big
yes "... all of it" cmp -s big d/big
put "put: an input that cannot be read" 74 d/f <d
put "put: no input" 74 d/f <&-
is "... nothing is replaced" four "$(cat d/f)"
# shellcheck disable=SC3045
if (ulimit -f 100) 2>/dev/null; then
	(ulimit -f 100 && exec "$IPCLOCK" put d/f <big) 2>err
	is "put: what cannot be written" 74 $?
	yes "... says why" grep -q '^ipclock: cannot write d/f' err
	is "... nothing is replaced" four "$(cat d/f)"
else
	skip "put: what cannot be written" "no ulimit -f"
fi
full='mount -t tmpfs -o size=64k none d && echo old >d/g && "$1" put d/g <big; echo $? >>d/g; ls -A d >>d/g; cat d/g'
if unshare -rm sh -c 'mount -t tmpfs none d' 2>/dev/null; then
	is "put: a full file system" "old 73 g " "$(unshare -rm sh -c "$full" sh "$IPCLOCK" 2>err | tr '\n' ' ')"
else
	skip "put: a full file system" "no name space for mounts"
fi

# The fifo takes less than that: who has written it all has been read.
mkfifo input
for signal in TERM HUP $int; do
	rm -f written
	$default "$IPCLOCK" put d/f <input 2>err &
	job=$!
	holders="$holders $job"
	sh -c 'exec 3>input; cat big >&3; echo >written; exec sleep 120' &
	writer=$!
	holders="$holders $writer"
	yes "put: in the middle" await test -e written
	kill -$signal $job
	finish
	is "... SIG$signal ends it" "$(status_of $signal)" "$status"
	is "... nothing is replaced" four "$(cat d/f)"
	is "... and nothing is left" ". .. big f link new" "$(ls -a d | tr '\n' ' ' | sed 's/ $//')"
	kill $writer
done

# Input without end: the limit is for a program that does not hear the signal.
$default sh -c 'ulimit -f 4000000; exec "$0" put d/f </dev/zero' "$IPCLOCK" 2>err &
job=$!
holders="$holders $job"
sleep 0.1
kill -TERM $job
finish
is "put: SIGTERM ends it while there is always something to read" "$(status_of TERM)" "$status"
no "... and not only when it can write no more" test -s err
is "... nothing is replaced" four "$(cat d/f)"

is_stopped() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	T*) return 0 ;;
	esac
	return 1
}

# timeout(1) is a process group of its own: an orphaned one, as a container's may be, is not stopped.
if has timeout && test -r /proc/self/stat; then
	timeout 60 sh -c 'echo $$ >writer; exec "$@"' sh "$IPCLOCK" put d/f <input 2>err &
	job=$!
	holders="$holders $job"
	exec 3>input
	cat big >&3
	kill -TSTP "$(cat writer)"
	yes "put: SIGTSTP stops it" await is_stopped "$(cat writer)"
	is "... nothing is replaced" four "$(cat d/f)"
	kill -CONT "$(cat writer)"
	echo end >&3
	exec 3>&-
	finish
	is "... and SIGCONT lets it go on" "0 end" "$status $(tail -c 4 d/f)"
	echo four | "$IPCLOCK" put d/f
else
	skip "put: SIGTSTP stops it" "no timeout(1), or no /proc"
fi

hold a lock
echo five >input5
input=input5 job "$IPCLOCK" put --lock lock d/f
put "put --lock -n: held" 1 --lock lock -n d/f <input5
put "put --lock -w: held" 1 --lock lock -w 0.05 d/f <input5
put "put --lock -w -E: held" 9 --lock lock -w 0.05 -E 9 d/f <input5
is "put --lock: waits" four "$(cat d/f)"
first=$job
input=input5 job "$IPCLOCK" put --lock lock d/f
kill -TERM "$job"
finish
is "... a signal ends it" 143 "$status"
end a
job=$first
finish
is "... for the holder's end" 0 "$status"
is "... and replaces" five "$(cat d/f)"
gives "... and holds nothing" 0 -n lock true
"$IPCLOCK" put --lock lock2 d/f <input &
job=$!
holders="$holders $job"
exec 3>input
gives "put --lock: not held while the input is read" 0 -n lock2 true
echo six >&3
exec 3>&-
finish
is "... and then replaced" "0 six" "$status $(cat d/f)"
echo >given
put "put --lock: a lock file that cannot be opened" 66 --lock no-such-directory/f d/f <given
is "... nothing is replaced" six "$(cat d/f)"
is "... and nothing is left" ". .. big f link new" "$(ls -a d | tr '\n' ' ' | sed 's/ $//')"
test -e lock2 || not_ok "the lock file is made"

echo "1..$n"
test $bad = 0
