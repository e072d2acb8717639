#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# Python's portalocker and our lock of its protocol on one server: each excludes the other, and gets its turn.
# shellcheck disable=SC2086

. "${top_srcdir:-.}/tests/cli_support.sh"
here=${top_builddir:-.}/tests

end_here() {
	skip "portalocker" "$1"
	echo "1..$n"
	exit 0
}

[ "${HAVE_REDIS:-no}" = yes ] || end_here "built without hiredis"
has redis-server && has redis-cli || end_here "no redis-server here"
python=/usr/bin/python3
$python -c 'import redis, portalocker.redis' 2>/dev/null || end_here "no python3-portalocker with python3-redis here"

redis-server --port 0 --unixsocket "$dir/s" --save '' --dir "$dir" >server.log 2>&1 &
server=$!
holders=$server
answers() {
	test "$(redis-cli -s "$dir/s" ping 2>/dev/null)" = PONG
}
await answers || { not_ok "a server"; exit 1; }

cat >peer.py <<'END'
import sys, redis, portalocker
from portalocker.redis import RedisLock
path, channel, verb, seconds = sys.argv[1:5]
lock = RedisLock(channel, connection=redis.Redis(unix_socket_path=path), timeout=float(seconds), check_interval=0.05)
try:
    lock.acquire()
except portalocker.exceptions.AlreadyLocked:
    print('busy', flush=True)
    sys.exit(1)
print('held', flush=True)
if verb == 'hold':
    sys.stdin.read()
lock.release()
END

# they VERB SECONDS; we VERB MILLISECONDS: say "held" or "busy"; hold ends with the input.
they() {
	$python peer.py "$dir/s" chan "$1" "$2"
}
we() {
	"$here/redis_peer" "unix://$dir/s" chan "$1" "$2"
}

# holding WHO: in the background, its input a FIFO that descriptor 9 keeps open.
holding() {
	rm -f fifo told
	mkfifo fifo
	"$1" hold "$2" <fifo >told 2>told.err &
	holder=$!
	exec 9>fifo
	await grep -q . told
}
let_go() {
	exec 9>&-
	wait "$holder"
}

is "ours, free" held "$(we try 0)"
is "theirs, free" held "$(they try 1)"

holding we 0
is "ours is held" held "$(cat told)"
is "... theirs is kept out" busy "$(they try 2)"
is "... and ours" busy "$(we try 0)"
is "... and ours that waits" busy "$(we try 2500)"
let_go
is "ours is released: theirs holds" held "$(they try 20)"

holding they 5
is "theirs is held" held "$(cat told)"
is "... ours is kept out" busy "$(we try 0)"
is "... and while it waits longer than a ping" busy "$(we try 2500)"
(exec 9>&-; we try 20000) >ours </dev/null &
waiter=$!
let_go
wait "$waiter"
is "theirs is released: ours has its turn" held "$(cat ours)"

holding they 5
kill -9 "$(redis-cli -s "$dir/s" client list >/dev/null; pgrep -P "$holder" || echo "$holder")" 2>/dev/null
exec 9>&-
wait "$holder" 2>/dev/null
is "theirs is killed: ours holds" held "$(we try 60000)"

redis-cli -s "$dir/s" client setname chan-lock >/dev/null
(printf 'CLIENT SETNAME chan-lock\r\nSUBSCRIBE chan\r\n'; exec sleep 120) | redis-cli -s "$dir/s" >silent 2>&1 &
silent=$!
holders="$holders $silent"
await grep -q subscribe silent
is "a holder that is silent: not without waiting" busy "$(we try 0)"
is "... is killed by who waits" held "$(we try 60000)"
is "... and theirs holds afterwards" held "$(they try 5)"

echo "1..$n"
test "$bad" -eq 0
