#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# fair.sh DIRECTORY: fairness, hand-off and the price of a wait, as Markdown. The programs are in the directory; PEER is
# bench/peer.py. SECONDS_EACH: of a row's round. ROUNDS: of each row. WAIT: seconds of the long wait.
set -eu
seconds=${SECONDS_EACH:-2} rounds=${ROUNDS:-5} wait=${WAIT:-60}
bin=$(cd "$1" && pwd)
PEER=$(cd "$(dirname "$PEER")" && pwd)/${PEER##*/}
export PEER
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fair() {
	"$bin/fair" -r "$rounds" -s "$seconds" "$@"
}

printf '%s' '| writers + readers, hold | way | grants/s | of raw | fewest / most | worst wait, ms '
echo '| passed by more than all | most passed by | CPU us/grant | switches/grant |'
echo '|---|---|---|---|---|---|---|---|---|---|'
fair 8 0 2000 timed forever raw poll fasteners
fair 4 4 2000 timed forever raw poll fasteners
fair 1 8 20000 timed forever raw poll fasteners
fair 8 0 20 timed forever unfair-timed unfair raw poll fasteners
echo
echo '| hold | way | p50, us | p99, us | max, us | of raw | CPU us/wait | switches/wait |'
echo '|---|---|---|---|---|---|---|---|'
"$bin/handoff" -r "$rounds" -n 50 5 forever timed raw poll fasteners
"$bin/handoff" -r "$rounds" -n 2 1000 forever timed raw poll fasteners
# Idle together: each waits for a file of its own.
for way in forever timed raw poll fasteners; do
	mkdir "$way"
	(cd "$way" && "$bin/handoff" -r 1 -n 1 $((wait * 1000)) "$way" >out) &
done
wait
for way in forever timed raw poll fasteners; do
	cat "$way/out"
done
