# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Tables for people of bench/run's CSV, in Markdown: a row for each way and parameter, a column for each metric.
# A cell is the median, with least..most where they differ.
NR == 1 { next }
{
	test = $1; row = $3 SUBSEP $2
	if (!(test in known)) {
		known[test] = 1
		order[++tests] = test
	}
	if (!((test, row) in seen)) {
		seen[test, row] = 1
		rows[test, ++row_count[test]] = row
	}
	if (!((test, $4) in seen)) {
		seen[test, $4] = 1
		columns[test, ++column_count[test]] = $4
		unit[test, $4] = $4 ~ /\.ratio$/ ? "of raw" : $7
	}
	value[test, row, $4] = cell($5, $6)
}

function short(x) {
	x += 0
	return x >= 100 || x == int(x) ? sprintf("%.0f", x) : sprintf("%.3g", x)
}

function cell(median, spread, ends) {
	if (split(spread, ends, /\.\./) < 2 || short(ends[1]) == short(ends[2]))
		return short(median)
	return short(median) " (" short(ends[1]) ".." short(ends[2]) ")"
}

function head(test, j, name, line, rule) {
	line = "| | way |"; rule = "|---|---|"
	for (j = 1; j <= column_count[test]; j++) {
		name = columns[test, j]
		sub(/\.ratio$/, "", name)
		line = line " " name ", " unit[test, columns[test, j]] " |"
		rule = rule "---|"
	}
	print line "\n" rule
}

END {
	title["calls"] = "System calls of an uncontended acquire and release"
	title["pair"] = "Time of an uncontended acquire and release"
	title["instructions"] = "Instructions of an uncontended acquire and release, by callgrind, without the kernel's"
	title["size"] = "Size of the library"
	title["memory"] = "Memory written to"
	title["growth"] = "With so many handles, slots or files open, and of the last two all others held"
	title["start"] = "From start to end of a program; in the column \"of raw\": of flock(1)"
	title["handoff"] = "From the release to the waiter"
	title["wait"] = "Cost of a wait"
	title["crowd"] = "Lock, hold, release, again; worst: the longest wait; passed: grants to others while one waited"
	title["redis-pair"] = "Time of an uncontended acquire and release"
	title["redis-trips"] = "What the server is asked for an uncontended acquire, and for its release; commands: those of scripts as well"
	title["redis-handoff"] = "From the call of release to the return of the waiter whose turn it is"
	title["redis-crowd"] = "8 processes, in each: lock, hold 2 ms, release, again; 3 s; worst: the longest wait"
	title["redis-killed"] = "From the signal to the holder until a waiter holds; 30000: not in 30 s"
	for (i = 1; i <= tests; i++) {
		test = order[i]
		print "## " title[test] "\n"
		head(test)
		for (r = 1; r <= row_count[test]; r++) {
			split(rows[test, r], part, SUBSEP)
			line = "| " part[1] " | " part[2] " |"
			for (j = 1; j <= column_count[test]; j++)
				line = line " " value[test, rows[test, r], columns[test, j]] " |"
			print line
		}
		print ""
	}
}
