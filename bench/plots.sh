#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# plots.sh CSV DIRECTORY TEMPORARY-DIRECTORY: SVG and PNG of bench/run's figures, through gnuplot.
set -eu
csv=$1 out=$2 dir=$3

# draw NAME TITLE YLABEL COMMANDS: from $dir/NAME.dat
draw() {
	[ -s "$dir/$1.dat" ] || return 0
	for type in svg png; do
		case $type in svg) terminal='svg size 900,500 background "white"' ;; png) terminal='pngcairo size 900,500' ;; esac
		gnuplot <<-END
			set terminal $terminal
			set output "$out/$1.$type"
			set title "$2"
			set ylabel "$3"
			set grid ytics
			set key off
			data = "$dir/$1.dat"
			$4
		END
	done
	awk '{ print } NR == 1 { print "<!-- SPDX-License-Identifier: BSD-2-Clause -->\n<!-- Copyright (c) 2026 The libipclock authors -->" }' \
		"$out/$1.svg" >"$dir/svg" && cp "$dir/svg" "$out/$1.svg"
}

bars='set style fill solid 0.7; set boxwidth 0.7; set logscale y; set xtics rotate by -35 noenhanced; set bmargin 7; set rmargin 9
plot data using 0:2:xtic(1) with boxes, data using 0:2:3:4 with yerrorbars lc "black" pt 0'

# rows TEST PARAMETER METRIC: way, median, least, most
rows() {
	awk -F, -v test="$1" -v parameter="$2" -v metric="$3" \
		'$1 == test && $3 == parameter && $4 == metric && $5 > 0 && !seen[$2]++ { split($6, e, /\.\./); print $2, $5, e[1], e[2] }' "$csv"
}

eight='8 writers 0 readers hold 2 ms'
rows crowd "$eight" worst >"$dir/worst.dat"
draw worst "Worst wait of 8 processes, hold 2 ms" "ms" "$bars"

rows handoff "hold 5 ms" p50 >"$dir/handoff.dat"
draw handoff "From the release to the waiter, after 5 ms" "us" "$bars"

# turns NAME TEST PARAMETER: fewest and most, a pair of bars for each way.
turns() {
	awk -F, -v test="$2" -v p="$3" '$1 == test && $3 == p && ($4 == "fewest" || $4 == "most") {
		if ($4 == "fewest") fewest[$2] = $5; else if (!seen[$2]++) print $2, fewest[$2], $5 }' "$csv" >"$dir/$1.dat"
	draw "$1" "Turns of the process with fewest and with most, of 8, hold 2 ms" "turns in a round" \
		'set key on; set style data histogram; set style histogram clustered; set style fill solid 0.7
		set xtics rotate by -35 noenhanced; set bmargin 7
		plot data using 2:xtic(1) title "fewest", data using 3 title "most"'
}

turns turns crowd "$eight"

# A block of lines for each way: contenders, CPU for each grant.
awk -F, '$1 == "crowd" && $4 == "cpu" && $3 ~ / 0 readers hold 2 ms$/ {
	split($3, n, " "); if (!($2 in lines)) order[++ways] = $2; lines[$2] = lines[$2] n[1] " " $5 "\n" }
	END { for (i = 1; i <= ways; i++) printf "\"%s\"\n%s\n\n", order[i], lines[order[i]] }' "$csv" >"$dir/contenders.dat"
draw contenders "CPU for each grant, hold 2 ms" "us" \
	'set key outside right noenhanced; set logscale xy; set xlabel "processes"
	stats data using 1 nooutput
	plot for [i=0:STATS_blocks-1] data index i using 1:2 with linespoints title columnheader(1)'

# ---- bench/run --redis ----

rows redis-pair "unix socket" p50 >"$dir/redis-pair.dat"
draw redis-pair "An uncontended acquire and release, unix socket" "us" "$bars"

rows redis-handoff "8 waiters by unix socket" p50 >"$dir/redis-handoff.dat"
draw redis-handoff "From the release to the waiter, of 8, unix socket" "us" "$bars"

turns redis-turns redis-crowd "unix socket"

{
	rows redis-killed "kill -9 by unix socket" free | sed 's/ /,kill /'
	rows redis-killed "SIGSTOP by unix socket" free | sed 's/ /,stop /'
} >"$dir/redis-killed.dat"
draw redis-killed "Until the lock of a killed or stopped holder is free; 30000: not in 30 s" "ms" "$bars"
