# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# What was to be reached, and what bench/run's CSV says of it.
NR > 1 {
	value[$1, $2, $3, $4] = $5
	most[$1, $2, $3, $4] = $6
	sub(/.*\.\./, "", most[$1, $2, $3, $4])
}

# row WHAT TARGET FIGURE REACHED
function row(what, target, figure, reached) {
	printf "| %s | %s | %s | %s |\n", what, target, figure, reached
}

# figures: value, the medians; most, the greatest of the rounds; or made, quotients. sign: <=, >= or =.
function figure_row(what, figures, sign, limit, key, unit, x, reached) {
	if (!(key in figures)) {
		row(what, sign " " limit unit, "not measured", "-")
		return
	}
	x = figures[key] + 0
	reached = sign == "<=" ? x <= limit : sign == ">=" ? x >= limit : x == limit
	row(what, sign " " limit unit, sprintf(x < 1000 ? "%.4g" : "%.0f", x) unit, reached ? "yes" : "no")
}

function of(test, way, parameter, metric) {
	return test SUBSEP way SUBSEP parameter SUBSEP metric
}

function quotient(name, a, b) {
	if ((a in value) && (b in value) && value[b] > 0)
		made[name] = value[a] / value[b]
}

function pairs(way, kind) {
	return of("pair", way, "", kind)
}

function uncontended() {
	figure_row("system calls, TRUST_PATH and UNFAIR", value, "=", 2, of("calls", "ipclock-trust-unfair", "", "exclusive"))
	figure_row("the same, time to the two raw calls", value, "<=", 1.10, pairs("ipclock-trust-unfair", "exclusive.ratio"))
	figure_row("system calls, default, exclusive", value, "<=", 4, of("calls", "ipclock", "", "exclusive"))
	figure_row("system calls, default, shared", value, "<=", 5, of("calls", "ipclock", "", "shared"))
	quotient("same", pairs("ipclock", "exclusive"), pairs("raw-same", "exclusive"))
	quotient("same shared", pairs("ipclock", "shared"), pairs("raw-same", "shared"))
	figure_row("default, time to the same raw calls, exclusive", made, "<=", 1.10, "same")
	figure_row("default, time to the same raw calls, shared", made, "<=", 1.10, "same shared")
}

function handed(way, parameter, metric) {
	return of("handoff", way, parameter, metric)
}

function handoffs() {
	figure_row("hand-off, no timeout, to raw", value, "<=", 1.6, handed("ipclock", "hold 5 ms", "p50.ratio"))
	figure_row("hand-off, with a timeout, to raw", value, "<=", 5, handed("ipclock-timed", "hold 5 ms", "p50.ratio"))
	quotient("backoff", handed("fasteners", "hold 1000 ms", "p50"), handed("ipclock-timed", "hold 1000 ms", "p50"))
	if (!("backoff" in made))
		quotient("backoff", handed("ipclock-poll", "hold 1000 ms", "p50"), handed("ipclock-timed", "hold 1000 ms", "p50"))
	figure_row("after 1 s, linear backoff's to it", made, ">=", 100, "backoff")
}

function crowd(parameter, metric) {
	return of("crowd", "ipclock-timed", parameter, metric)
}

function fairness(p) {
	p = "8 writers 0 readers hold 2 ms"
	figure_row("8 writers, 2 ms, timeouts: fewest to most turns", value, ">=", 0.95, crowd(p, "even"))
	figure_row("the same: worst wait", most, "<=", 24, crowd(p, "worst"), " ms")
	figure_row("the same: passed by more than 8", most, "<=", 0, crowd(p, "passed_often"), " times")
	figure_row("the same: grants to raw", value, ">=", 0.9, crowd(p, "grants.ratio"))
	p = "1 writers 8 readers hold 20 ms"
	figure_row("1 writer among 8 readers, 20 ms: its worst wait", most, "<=", 50, crowd(p, "worst"), " ms")
	figure_row("the same: worst wait of a reader", most, "<=", 50, crowd(p, "worst_read"), " ms")
	p = "4 writers 4 readers hold 2 ms"
	figure_row("4 among 4, 2 ms: worst wait of a writer", most, "<=", 24, crowd(p, "worst"), " ms")
	figure_row("the same: of a reader", most, "<=", 24, crowd(p, "worst_read"), " ms")
	p = "8 writers 0 readers hold 0.02 ms"
	figure_row("8 writers, 20 us: grants to raw, in order", value, ">=", 0.5, of("crowd", "ipclock", p, "grants.ratio"))
	figure_row("the same, UNFAIR", value, ">=", 0.9, of("crowd", "ipclock-unfair", p, "grants.ratio"))
}

# The parameter is how long the wait was. Its beginning and end are those of a short wait.
function waits(key, part) {
	for (key in value) {
		split(key, part, SUBSEP)
		if (part[1] != "wait" || part[2] !~ /^ipclock(-timed)?$/ || part[4] != "switches")
			continue
		made[key] = value[key] - value[handed(part[2], "hold 5 ms", "switches")] / part[3]
		if (part[3] + 0 >= 10)
			figure_row("a waiter\047s wake-ups, " part[2], made, "<=", 1, key, "/s")
		else
			row("a waiter\047s wake-ups, " part[2], "<= 1/s", "a wait of " part[3] " is too short", "-")
	}
}

END {
	print "| what | to reach | measured | reached |\n|---|---|---|---|"
	uncontended()
	handoffs()
	fairness()
	waits()
	row("allocations in acquire and release", "none", "counted by make check", "-")
	row("a handle", "<= 512 bytes", \
		"asserted when built; with its path and the allocator\047s part " value["memory", "ipclock", "", "handle"] " bytes", "yes")
	figure_row("the library's text", value, "<=", 65536, of("size", "ipclock", "", "text"), " bytes")
	figure_row("ipclock run FILE true, to flock(1)", value, "<=", 1, of("start", "ipclock", "", "time.ratio"))
}
