#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# The program ipclock with a lock on a server, which is started here on a socket of its own.
# shellcheck disable=SC2016

. "${top_srcdir:-.}/tests/cli_support.sh"

if [ "${HAVE_REDIS:-no}" != yes ]; then
	gives "--redis where it was not built: cannot open" 66 --redis redis://localhost new true
	yes "... says why" grep -q 'built without hiredis' err
	echo "1..$n"
	exit "$bad"
fi
if ! has redis-server || ! has redis-cli; then
	skip "--redis" "no redis-server here"
	echo "1..$n"
	exit 0
fi

redis-server --port 0 --unixsocket "$dir/s" --save '' --dir "$dir" >server.log 2>&1 &
server=$!
holders=$server

ask() {
	redis-cli -s "$dir/s" "$@"
}

answers() {
	test "$(ask ping 2>/dev/null)" = PONG
}
await answers || { not_ok "a server"; exit 1; }
url=unix://$dir/s

# redis TEXT STATUS ARGUMENT... of `ipclock run --redis URL`
redis() {
	label=$1 wanted=$2
	shift 2
	gives "$label" "$wanted" --redis "$url" "$@"
}

# ---- usage ----

for arguments in '-u x true' '-j 2 x true' '--soft x true' '--pidfile x true' '--unlink x true' '--slot 1 x true' \
    '--fcntl x true' '--protocol flock x true' '-F x true' '--unfair x true' '--poll x true' '5' '--lease x x true'; do
	# shellcheck disable=SC2086
	redis "ipclock run --redis URL $arguments: usage" 64 $arguments
done
gives "a URL that is none: cannot open" 66 --redis localhost x true
yes "... says why" grep -q 'a URL begins with' err
gives "no server: cannot open" 66 --redis "unix://$dir/none" x true

# ---- holding ----

redis "the command's status" 7 'a {name}' sh -c 'exit 7'
redis "the token is passed" 0 x sh -c 'echo "$IPCLOCK_TOKEN"'
first=$(cat out)
redis "... and again" 0 x sh -c 'echo "$IPCLOCK_TOKEN"'
yes "... greater than before" test "$(cat out)" -gt "$first"

hold writer --redis "$url" x
redis "held: not without waiting" 1 -n x true
redis "... nor for reading" 1 -n -s x true
redis "... with the status that is wanted" 9 -E 9 -w 0.1 x true
redis "another name is another lock" 0 -n y true
run "$IPCLOCK" who --redis "$url" x
is "who: held" 0 "$status"
yes "... by a writer, with its token" grep -Eq '^[0-9]+ +write +[0-9]+ +holds$' out
end writer
await "$IPCLOCK" run --redis "$url" -n x true
redis "free again" 0 x true
run "$IPCLOCK" who --redis "$url" x
is "who: free" 1 "$status"

hold reader --redis "$url" -s x
redis "readers share" 0 -n -s x true
redis "... and exclude a writer" 1 -n x true
"$IPCLOCK" run --redis "$url" x true >/dev/null 2>&1 &
waiter=$!
waits() {
	"$IPCLOCK" who --redis "$url" x | grep -q 'write .* place 1$'
}
yes "who: a writer waits in place 1" await waits
redis "a reader does not pass it" 1 -n -s x true
run "$IPCLOCK" who --redis "$url" --json x
yes "who --json: both" test "$(grep -c '"client"' out)" = 2
end reader
wait "$waiter"
is "the writer's turn" 0 $?

# ---- what ipclock-redis(7) says that a user of locks needs ----

rights=$(sed -n '/^~ipclock/,/^\.Ed/p' "$top_srcdir/man/ipclock-redis.7" | grep -v '^\.Ed')
# shellcheck disable=SC2086
ask acl setuser locker on '>secret' resetkeys resetchannels -@all $rights >out
is "a user with those rights" OK "$(cat out)"
as_locker=unix://locker:secret@$dir/s
gives "... holds" 0 --redis "$as_locker" --lease 0.3 z sleep 0.5
hold locker --redis "$as_locker" z
gives "... is in the way" 1 --redis "$url" -n z true
"$IPCLOCK" run --redis "$as_locker" z true >/dev/null 2>"$dir/waiter" &
waiter=$!
yes "... waits" await sh -c '"$0" who --redis "$1" z | grep -q "place 1$"' "$IPCLOCK" "$as_locker"
end locker
wait "$waiter"
is "... and has its turn" 0 $?
no "... and nothing was refused" grep -q . "$dir/waiter"
gives "a wrong password: cannot open" 66 --redis "unix://locker:wrong@$dir/s" z true
yes "... says why" grep -q WRONGPASS err
ask acl setuser locker -evalsha -eval >/dev/null
gives "a command is refused" 66 --redis "$as_locker" z true
yes "... says why" grep -q NOPERM err

# ---- losing ----

redis "lost with the connection: the command is ended" 65 --lease 3600 x \
    sh -c 'redis-cli -s "$0" client kill type normal >/dev/null; exec sleep 20' "$dir/s"
yes "... at once, and says why" grep -q 'ending the command' err
redis "... and killed if it must be" 65 --lease 0.3 x \
    sh -c 'trap "" TERM; redis-cli -s "$0" client kill type normal >/dev/null
	for i in 1 2 3 4 5 6 7 8 9; do sleep 1; done; echo >survived' "$dir/s"
no "... before it is done" test -e survived
redis "the lock is free then" 0 -w 60 x true

kill -STOP "$server"
gives "the server stands still: cannot open" 66 --redis "$url" -n x true
yes "... says why" grep -q 'does not answer' err
kill -CONT "$server"
kill "$server"
wait "$server"
gives "the server is gone: cannot open" 66 --redis "$url" x true
run "$IPCLOCK" who --redis "$url" x
is "... nor told" 66 "$status"

echo "1..$n"
test "$bad" -eq 0
