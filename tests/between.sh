#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# between.sh OURS THEIRS: two builds of the program ipclock, for two machines or C libraries, on the same files. They
# exclude each other, and what one writes the other reads. Run by .ci/machines.
set -u
. "${top_srcdir:-.}/tests/report.sh"
cd "$dir" || exit 1

# is STATUS COMMAND...
is() {
	wanted=$1
	shift
	"$@"
	[ $? -eq "$wanted" ]
}

# holds PROGRAM ARGUMENT...: it holds until let_go, or until it is killed.
holds() {
	rm -f held go
	mkfifo go held
	"$@" sh -c 'echo $$ >held; read -r _ <go' &
	holder=$!
	read -r command <held
}
let_go() {
	echo >go
	wait "$holder"
}

sees() {
	"$1" who f | grep -q "^$2 "
}

# shape FILE: without what is of this process and this moment.
shape() {
	sed 's/token=[0-9a-f]*/token=X/; s/[0-9][0-9]*/N/g' "$1"
}

for pair in "$1 $2" "$2 $1"; do
	ours=${pair% *}
	theirs=${pair#* }
	who="$(basename "${ours%/ipclock}") beside $(basename "${theirs%/ipclock}")"
	rm -f f s p
	holds "$ours" run f
	check "$who: excluded by a lock" is 1 "$theirs" run -n f true
	check "$who: sees who holds" sees "$theirs" "$holder"
	let_go
	check "$who: free" is 0 "$theirs" run -n f true
	holds "$ours" run -s f
	check "$who: shares" is 0 "$theirs" run -n -s f true
	check "$who: excluded by a shared lock" is 1 "$theirs" run -n f true
	let_go
	holds "$ours" run -j 2 f
	check "$who: another slot" is 0 "$theirs" run -j 2 -n f true
	let_go

	holds "$ours" run --soft s
	cp s "soft.$(basename "${ours%/ipclock}")"
	check "$who: excluded by a marker" is 1 "$theirs" run --soft -n s true
	kill -9 "$holder" "$command"
	wait "$holder" 2>/dev/null
	check "$who: the marker is there" test -s s
	check "$who: the dead are known" is 0 "$theirs" run --soft -n s true

	holds "$ours" run --pidfile p
	cp p "pidfile.$(basename "${ours%/ipclock}")"
	check "$who: excluded by a pid file" is 1 "$theirs" run --pidfile -n p true
	check "$who: whose pid is there" grep -qx "$holder" p
	let_go
done

for kind in soft pidfile; do
	for file in "$kind".*; do
		shape "$file" >"shape.$file"
	done
	set -- shape."$kind".*
	check "$kind: two files" test $# -eq 2
	check "$kind: one text" cmp "$1" "$2"
done
exit $status
