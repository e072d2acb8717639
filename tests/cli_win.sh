#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# The program for Windows, with real processes: by Wine, or where Windows itself
# has a shell.  Its commands are cmd.exe, cli_args.exe and the program itself.
# shellcheck disable=SC1003,SC2012,SC2016

: "${IPCLOCK:=./ipclock}" "${WINE:=wine}"
case $IPCLOCK in
/*) ;;
*) IPCLOCK=$PWD/$IPCLOCK ;;
esac
exe=${IPCLOCK%.exe}.exe
test ! -e "${exe%/*}/.libs/ipclock.exe" || exe=${exe%/*}/.libs/ipclock.exe # not what libtool runs it by
args=${top_builddir:-.}/tests/cli_args.exe
case $args in
/*) ;;
*) args=$PWD/$args ;;
esac
if test "${OS:-}" = Windows_NT; then
	WINE=
elif ! command -v "$WINE" >/dev/null 2>&1; then
	echo "skip 1 - the program for Windows: there is no $WINE"
	exit 0
fi
LC_ALL=C.UTF-8 WINEDEBUG=-all
export LC_ALL WINEDEBUG WINE exe

. "${top_srcdir:-.}/tests/cli_support.sh"

# A process of Wine has the pid of the shell that has become it.
cat >ipclock <<'SCRIPT'
#!/bin/sh
exec 8>&-
exec $WINE "$exe" "$@"
SCRIPT
chmod +x ipclock
windows_exe=$exe
test -z "$WINE" || windows_exe=$($WINE winepath -w "$exe" 2>/dev/null | tr -d '\r')
IPCLOCK=$dir/ipclock
cp "$args" args.exe || exit 99
args=./args.exe

# output TEXT WANTED: of the last command, without the carriage returns
output() {
	is "$1" "$2" "$(tr -d '\r' <out)"
}

# start NAME ARGUMENT... of `ipclock run`: holds until it is ended by let_go
start() {
	name=$1
	shift
	rm -f "$name.held" "$name.fifo"
	mkfifo "$name.fifo"
	"$IPCLOCK" run "$@" $args --hold "$name.held" <"$name.fifo" >/dev/null 2>&1 &
	eval "pid_$name=\$!"
	holders="$holders $!"
	exec 8>"$name.fifo"
	await test -e "$name.held" || not_ok "a holder: $*"
}

let_go() {
	exec 8>&-
	wait "$(pid "$1")"
	status=$?
}

# ---- the program ----

run "$IPCLOCK"
is "no verb: usage" 64 "$status"
yes "... help on standard error" grep -q '^Usage: ipclock run' err
run "$IPCLOCK" --version
is "--version" 0 "$status"
yes "... has a number" grep -q '[0-9]\.[0-9]' out

while IFS='|' read -r want arguments; do
	eval "set -- $arguments"
	gives "ipclock run $arguments" "$want" "$@"
	case $want in
	6*) yes "... says why" grep -q '^ipclock: ' err ;;
	esac
done <<'TABLE'
0|f $args
3|f $args --exit 3
3|-o f $args --exit 3
3|-F f $args --exit 3
5|f -c 'exit 5'
5|f --command "exit 5"
0|-s f $args
0|-n f $args
0|-w 1.5 f $args
0|--slot 77 f $args
0|--fcntl f $args
0|--unfair f $args
0|--poll f $args
0|-- f $args
0|--help
64|
64|f
64|-Z f $args
64|-w x f $args
64|-E 256 f $args
64|f -c
65|9
66|no-such-directory/f $args
66|. $args
66|NUL $args
69|f ./no-such-command
69|f ""
69|f .
69|f args.exe
TABLE

printf '@"%%~1" run f ./args --exit 305419896\r\n@echo %%errorlevel%%\r\n' >status.bat
run $WINE cmd /d /c status.bat "$windows_exe"
output "all bits of a status" 305419896

# ---- what the command gets ----

set -- 'a b' '' 'a"b' '"' 'a\' 'a b\' 'a\\"b' 'a\\ "b\\' '\\server\share\' '%PATH%' '*' '?' 'a	b' "a'b" \
	'^a' 'a&b|c<d>e' '-x' '--' 'žluť 日本 🔒' 'a;b,c=d'
gives "arguments" 0 f $args "$@"
output "... reach the command as they were" "$(printf '[%s]\n' "$@")"
gives "--verbose" 0 --verbose f $args
yes "... says what is executed" grep -q '^ipclock: executing ./args.exe' out
gives "-c: quotes are left alone" 0 f -c 'args "a b" c"d'
output "... " "$(printf '[%s]\n' 'a b' 'cd')"
gives "-c: a pipe" 0 f -c 'args x | args --input'
output "... " '[x]'
echo 'from the input' | "$IPCLOCK" run f $args --input >out 2>err
output "the standard input" 'from the input'

mkdir 'some where'
printf '@args.exe %%*\r\n@exit /b 7\r\n' >'some where/b c.bat'
gives "a batch file" 7 f 'some where\b c.bat' 'a&b c' 'x^y'
output "... gets its arguments" "$(printf '[a&b c]\n[x^y]')"
gives "... and finds its ending" 7 f 'some where/b c' '' '(1)'
output "... " "$(printf '[]\n[(1)]')"
for argument in 'a"b' '%PATH%' 'a
b'; do
	gives "a batch file with what cmd.exe would change" 69 f 'some where\b c.bat' "$argument"
	no "... is not executed" test -s out
done

# ---- who excludes whom ----

start a f
gives "a held lock: -n" 1 -n f $args
no "... is silent" test -s err
gives "... -s" 1 -s -n f $args
gives "... -E" 7 -E 7 -n f $args
gives "... with a timeout" 1 -w 0.05 f $args
gives "... --poll" 1 -w 0.05 --delay 0.001 --poll f $args
gives "... --unfair" 1 -w 0.05 --unfair f $args
gives "... the whole file" 1 -n --fcntl f $args
gives "... --verbose" 1 --verbose -n f $args
yes "... says why" grep -q '^ipclock: ' err
gives "... another slot" 0 -n --slot 5 f $args
"$IPCLOCK" run f -c 'echo x>got' </dev/null >/dev/null 2>&1 &
waiter=$!
holders="$holders $waiter"
no "... a waiter" test -e got
let_go a
is "... until the command has ended" 0 "$status"
wait $waiter
is "... and then it is the waiter's turn" "0 x" "$? $(tr -d '\r' <got)"
start a -s f
gives "two readers share" 0 -n -s f $args
gives "... and exclude a writer" 1 -n f $args
let_go a
gives "... and no longer" 0 -n f $args

# The command's standard input has no reader left.
has_ended() {
	! (trap '' PIPE && echo >&8) 2>/dev/null
}

start a f
kill -9 "$(pid a)"
wait "$(pid a)" 2>/dev/null
yes "a killed holder holds nothing" await "$IPCLOCK" run -n f $args
yes "... and its command has ended" await has_ended
exec 8>&-
# begin NAME STRING: a holder whose command is run by the shell
begin() {
	mkfifo "$1.fifo"
	"$IPCLOCK" run f -c "$2" <"$1.fifo" >/dev/null 2>&1 &
	eval "pid_$1=\$!"
	holders="$holders $!"
	exec 8>"$1.fifo"
}

begin b 'args --hold inner'
yes "a command of the command" await test -e inner
gives "... under the lock" 1 -n f $args
kill -9 "$(pid b)"
wait "$(pid b)" 2>/dev/null
yes "... has ended with the killed holder" await has_ended
exec 8>&-

begin c 'start /b args --hold left'
wait "$(pid c)"
is "a command that leaves a process behind" 0 $?
gives "... which has not the lock" 0 -n f $args
yes "... lives" await test -e left
no "... on" has_ended
exec 8>&-

gives "a command within a command" 0 f "$windows_exe" run -n --slot 1 f $args x
output "... " '[x]'

echo 0 >number
workers=
for _ in 1 2 3 4; do
	for _ in 1 2 3 4; do
		"$IPCLOCK" run counter $args --add number </dev/null
	done &
	workers="$workers $!"
done
for worker in $workers; do
	wait "$worker"
done
is "four contenders, none is lost" 16 "$(tr -d '\r\n ' <number)"

# ---- relatives ----

gives "-j: tells the slot" 0 -j 1 jobs -c 'echo %IPCLOCK_SLOT%'
output "... " 0
start a -j 1 jobs
gives "-j 1: one holds: another" 1 -n -j 1 jobs $args
let_go a
gives "... is next" 0 -n -j 1 jobs $args

gives "--soft: the status" 3 --soft soft $args --exit 3
no "... the marker is gone" test -e soft
start a --soft soft
yes "--soft: the marker is there" test -s soft
gives "... held" 1 -n --soft soft $args
let_go a
no "... the marker is gone" test -e soft

start a --soft --lease 0.3 soft
rm soft
wait "$(pid a)"
is "--lease: lost" 65 $?
yes "... the command has ended" await has_ended
exec 8>&-

start a --pidfile pid
yes "--pidfile: has a pid" grep -q '^[1-9][0-9]*' pid
gives "... a second one" 1 --pidfile pid $args
gives "... --verbose" 1 --verbose --pidfile pid $args
yes "... says so" grep -q 'already running' err
let_go a
gives "... is next" 3 --pidfile pid $args --exit 3
start a --pidfile pid
$WINE taskkill /f /pid "$(tr -d '\r' <pid)" >out 2>err
wait "$(pid a)" 2>/dev/null
yes "--pidfile: an end of that process is the command's" await has_ended
gives "... and frees the lock" 0 --pidfile pid $args
exec 8>&-

gives "--unlink" 65 --unlink gone $args
yes "... says why" grep -q '^ipclock: --unlink: ' err
gives "--protocol flock" 65 --protocol flock f $args
yes "... says why" grep -q '^ipclock: --protocol flock: ' err

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
printf 'one\r\ntwo\n\032three' >given
put "put: a new file" 0 d/f <given
yes "... has the input, to the byte" cmp -s given d/f
echo two >given
put "put: a file that is there" 0 'd\f' <given
is "... has the input" two "$(cat d/f)"
put "put --new: a file that is there" 1 --new d/f <given
put "put --new -E" 9 --new -E 9 d/f <given
put "put --new: a new file" 0 --new d/žluť <given
is "... has its name" two "$(cat d/žluť)"
rm d/žluť
put "put -m" 0 -m 644 d/new <given
rm -f d/new
put "put -m: no right to write" 73 -m 444 d/new <given
no "... makes no file" test -e d/new
put "put: a directory" 66 d <given
put "put: no such directory" 66 d/no/f <given
dd if=/dev/zero bs=65536 count=40 2>/dev/null >big
put "put: more than a buffer" 0 d/f <big
yes "... all of it" cmp -s big d/f
start a lock
put "put --lock -n: held" 1 --lock lock -n d/f <given
put "put --lock -w -E: held" 9 --lock lock -w 0.05 -E 9 d/f <given
yes "... nothing is replaced" cmp -s big d/f
let_go a
put "put --lock" 0 --lock lock d/f <given
is "... has the input" two "$(cat d/f)"
is "put: nothing is left" "f " "$(ls -A d | tr '\n' ' ')"

# ---- control-C ----

# control_c FILE COMMAND...: at a terminal, typed when FILE is there, or the command says that it waits. Once more if it
# was killed: Wine does that to programs that end slowly, as some do on a busy machine, and their status is lost.
control_c() {
	python3 - "$@" 2>err <<'PYTHON'
import os, pty, select, sys, time

def run(file, *command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    said, typed, end = b"", False, time.monotonic() + 60
    while time.monotonic() < end:
        if not typed and (os.path.exists(file) or b"waiting" in said):
            typed = os.write(terminal, b"\003") == 1
        try:
            if select.select([terminal], [], [], 0.05)[0]:
                said += os.read(terminal, 4096)
        except OSError:
            pass
        ended, status = os.waitpid(pid, os.WNOHANG)
        open("screen", "wb").write(said)
        if ended:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return 99

for _ in range(5):
    status = run(*sys.argv[1:])
    if status != 128 + 9:
        break
    if os.path.exists(sys.argv[1]):
        os.remove(sys.argv[1])
sys.exit(status)
PYTHON
	status=$?
}

# Of 0xC000013A the last eight bits.
if test -n "$WINE" && has python3; then
	control_c trapped "$IPCLOCK" run f $args --trap trapped
	is "control-C reaches the command, whose status is handed back" 9 "$status"
	gives "... and nothing is held" 0 -n f $args
	start a žluť
	control_c none "$IPCLOCK" run žluť -c 'echo x>in-vain'
	is "control-C ends a wait" 58 "$status"
	yes "... which a console tells of" grep -q 'waiting to write žluť: 1 s so far' screen
	no "... and nothing is run" test -e in-vain
	let_go a
	gives "... nor held" 0 -n žluť $args
	echo old >d/f
	control_c d/.f.ipclock-00 "$IPCLOCK" put d/f
	is "control-C ends a put" 58 "$status"
	is "... nothing is replaced" old "$(cat d/f)"
	is "... and nothing is left" "f " "$(ls -A d | tr '\n' ' ')"
else
	skip "control-C" "no terminal of python3's"
fi

# ---- who, probe ----

start a --slot 3 f
run "$IPCLOCK" who --slot 3 f
is "who of a held lock" 0 "$status"
yes "... names somebody" grep -qE '^([0-9]+ +args.exe|[0-9]+ +ipclock.exe|- +-) +write +holds' out
let_go a
run "$IPCLOCK" who --slot 3 f
is "who of a free lock" 1 "$status"

run "$IPCLOCK" who
is "who: usage" 64 "$status"
run "$IPCLOCK" who not-there
is "who: no such file" 66 "$status"
run "$IPCLOCK" probe
is "probe: usage" 64 "$status"
run "$IPCLOCK" probe d
is "probe: there is none" 71 "$status"
yes "... says so" grep -q '^ipclock: d: ' err

echo "1..$n"
test $bad = 0
