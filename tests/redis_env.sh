#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# The program ipclock with a lock on a server, and its surroundings: a password in the environment, a list of servers,
# a wall clock that is set while it holds.
# shellcheck disable=SC2016

. "${top_srcdir:-.}/tests/cli_support.sh"

server_program=${REDIS_SERVER:-redis-server}
if [ "${HAVE_REDIS:-no}" != yes ] || ! has "$server_program" || ! has redis-cli; then
	skip "--redis and its surroundings" "no libipclock-redis, or no redis-server here"
	echo "1..$n"
	exit 0
fi
"$server_program" --port 0 --unixsocket "$dir/s" --save '' --dir "$dir" --requirepass secret >server.log 2>&1 &
holders=$!
url=unix://$dir/s

ask() {
	REDISCLI_AUTH=secret redis-cli -s "$dir/s" "$@"
}

answers() {
	test "$(ask ping 2>/dev/null)" = PONG
}
await answers || { not_ok "a server"; exit 1; }

# ---- the password ----

unset REDISCLI_AUTH
gives "no password: cannot open" 66 --redis "$url" x true
yes "... says why" grep -q NOAUTH err
export REDISCLI_AUTH=wrong
gives "a wrong one in the environment: cannot open" 66 --redis "$url" x true
yes "... says why" grep -q WRONGPASS err
gives "the URL's comes first" 0 --redis "unix://:secret@$dir/s" x true
REDISCLI_AUTH=
gives "an empty one is none" 66 --redis "$url" x true
yes "... says why" grep -q NOAUTH err
REDISCLI_AUTH=secret
gives "the right one in the environment" 0 --redis "$url" x sh -c 'echo "$REDISCLI_AUTH"'
is "... which is the command's, too" secret "$(cat out)"
run "$IPCLOCK" who --redis "$url" x
is "... and serves who: free" 1 "$status"
ask acl setuser worker on '>secret' '~ipclock:*' '&ipclock:*' +@all >/dev/null
gives "... and a user of the URL" 0 --redis "unix://worker@$dir/s" x true
gives "... who is asked for it" 66 --redis "unix://stranger@$dir/s" x true

# ---- several servers ----

gives "the first that answers" 0 --redis "unix://$dir/none,$url" x true
gives "none does: cannot open" 66 --redis "unix://$dir/none unix://$dir/nor_this" x true
yes "... says which, and why" grep -q "nor_this: No such file" err

# ---- a clock that is set ----

fake=
for path in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/local/lib/faketime/libfaketimeMT.so.1; do
	test -f "$path" && fake=$path
done
if [ -z "$fake" ] || grep -q -a __asan_init "$IPCLOCK" "$(dirname "$IPCLOCK")"/.libs/ipclock 2>/dev/null; then
	skip "the wall clock is set while a lock is held" "no libfaketime here, or a build with sanitizers"
	echo "1..$n"
	test "$bad" -eq 0
	exit
fi

# The hour of the program's wall clock, and of its command's, is that of the file.
echo '+0' >clock
mkfifo go
faked() {
	LD_PRELOAD=$fake FAKETIME_TIMESTAMP_FILE=$dir/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
	    exec "$@"
}

lease_end() {
	ask zrange 'ipclock:{c}:holders' 0 0 withscores | sed -n 2p
}

renewed() {
	end_now=$(lease_end)
	test -n "$end_now" && test "$end_now" -gt "$end_before"
}

# renews TEXT: the lease's end moves on, again and again.
renews() {
	for i in 1 2 3; do
		end_before=$(lease_end)
		await renewed || break
	done
	yes "$1" renewed
}

faked "$IPCLOCK" run --redis "$url" --lease 0.9 c \
    sh -c 'date +%s; read -r x; date +%s; read -r x; date +%s' <go >times 2>err &
holder=$!
holders="$holders $holder"
exec 9>go
yes "a holder" await test -s times
end_before=0
renews "... renews"
echo '-1h' >clock
renews "... also when the clock was set back an hour"
gives "... and holds" 1 --redis "$url" -n c true
echo >&9
await sh -c 'test "$(wc -l <times)" -eq 2'
echo '+25h' >clock
renews "... or a day ahead"
gives "... and holds" 1 --redis "$url" -n c true
echo >&9
wait "$holder"
is "... to the end" 0 $?
no "... without a word" grep -q . err
yes "the command saw both" awk '{ t[NR] = $1 } END { exit !(t[1] - t[2] > 3000 && t[3] - t[2] > 90000) }' times
gives "the lock is free then" 0 --redis "$url" -n c true

echo "1..$n"
test "$bad" -eq 0
