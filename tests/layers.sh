#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The one direction of the source:
#
#	public header <- objects <- attempt <- {line, backoff} <- lock_file <- os
#
# A file includes only headers of a lower rank, and its own. Only lib/os_*.c knows an operating system.
set -u
cd "${top_srcdir:-.}" || exit 1
n=0
status=0

# report TEXT OFFENDERS: ok if there are none.
report() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "$2" | sed 's/^/# /'
		status=1
	fi
}

# "FILE:LINE FILE INCLUDED" for each #include of these files; a system header keeps its <>.
includes() {
	awk '/^[ \t]*#[ \t]*include/ {
		gsub(/^[ \t]*#[ \t]*include[ \t]*|["]|[ \t]*(\/\*.*)?$/, "")
		print FILENAME ":" FNR, FILENAME, $0
	}' "$@"
}

arrows=$(includes lib/*.c lib/*.h | awk '
BEGIN {
	ranks = "os 1 os_pidfile 1 os_probe 1 os_replace 1 os_soft 1.2 os_watch 1" \
		" backoff 2 layout 2 message 2 marker 2 pattern 2" \
		" options 3 lock_file 3 owner 3" \
		" line 4 local 4 recursive 4 slots 4 soft_file 4" \
		" attempt 5" \
		" attr 6" \
		" holders 7" \
		" handle 8" \
		" locked 9 pidfile 9 probe 9 process_lock 9 replace 9 rw_lock 9 semaphore 9 sem_wait 9.5 soft_lock 9 version 9"
	for (i = split(ranks, word, " "); i > 1; i -= 2)
		rank[word[i - 1]] = word[i]
}
{
	file = $2; sub(/.*\//, "", file); own = file; sub(/\.[ch]$/, "", own)
	header = $3
}
header ~ /^</ { next }
{
	base = header; sub(/\.h$/, "", base)
	if (own ~ /^os_/)
		from = 1.5 # behind the seam, and below all that is before it
	else if (own in rank)
		from = rank[own]
	else {
		print $1 ": " own " has no rank in tests/layers.sh"
		next
	}
	if (base == own || (own ~ /^os_/ && base ~ /^os_/))
		next
	if (!(base in rank))
		print $1 ": " base " has no rank in tests/layers.sh"
	else if (rank[base] >= from)
		print $1 ": " own " is not above " base
}')
report "no #include in lib/ runs back" "$arrows"

c11='assert errno inttypes limits stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string'
system=$(includes lib/*.c lib/*.h | awk -v c11="$c11" '
BEGIN { for (i = split(c11, word, " "); i; i--) free["<" word[i] ".h>"] = 1 }
$2 ~ /lib\/os_[a-z0-9_]*\.[ch]$/ || $2 $3 == "lib/version.c<config.h>" { next }
$3 !~ /^</ || $3 ~ /^<ipclock(\/[a-z_]*)?\.h>$/ { next }
!($3 in free) { print $1 ": " $3 }')
report "only lib/os_* includes headers of a system" "$system"

public=$(includes lib/*.c lib/*.h | awk '
{ file = $2; sub(/.*\//, "", file); sub(/\.[ch]$/, "", file) }
$3 ~ /^<ipclock/ && file !~ /^(attr|handle|holders|locked|pidfile|probe|process_lock|replace|rw_lock|semaphore|soft_lock|version)$/ { print $1 ": " $3 }')
report "only the objects know the public headers" "$public"

# A library of its own, which uses hiredis and the numbers of backoff.h.
redis=$(includes redis/*.c redis/*.h | awk -v c11="$c11" '
BEGIN {
	for (i = split(c11, word, " "); i; i--) free["<" word[i] ".h>"] = 1
	ranks = "os_redis 1 os_resolve 1 os_socket 1 os_tls 1 backoff 1 url 2 message 2 connection 3 attr 3 script 4 lease 5 handle 6" \
		" holders 6 portalocker 7 renew 7 session 7 wait 7 lock 8"
	for (i = split(ranks, word, " "); i > 1; i -= 2)
		rank[word[i - 1]] = word[i]
}
{
	file = $2; sub(/.*\//, "", file); own = file; sub(/\.[ch]$/, "", own)
	header = $3; base = header; sub(/\.h$/, "", base)
	from = own ~ /^os_/ ? 1.5 : rank[own]
}
header in free || own ~ /^os_/ && header ~ /^</ || base == own { next }
header == "ipclock-redis.h" && own ~ /^(attr|holders|lock)$/ { next }
header == "<hiredis/hiredis.h>" && from >= 3 { next }
!(base in rank) || !from || rank[base] >= from { print $1 ": " own " is not above " header }')
report "no #include in redis/ runs back" "$redis"

cli=$(includes cli/*.c cli/*.h | awk '
$3 ~ /^</ { next }
{ path = "cli/" $3; if ($3 ~ /\// || (getline line < path) < 0) print $1 ": " $3; close(path) }')
report "the program includes public headers and its own" "$cli"

# Include guards, and asking for the system's extensions, are all there is.
ifs=$(awk '
FILENAME ~ /(\/os_[a-z0-9_]*\.[ch]|ipclock-redis\.h)$/ { next }
/^[ \t]*#[ \t]*(if|elif)/ && !/#ifndef (IPCLOCK_[A-Z_]*_H|_[A-Z]*_SOURCE)$/ {
	print FILENAME ":" FNR ": " $0
}' lib/*.c lib/*.h cli/*.c cli/*.h redis/*.c redis/*.h)
report "no #if outside os_*" "$ifs"

exit $status
