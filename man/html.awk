# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Mends what mandoc writes.  Files: where links lead, then all pages twice, first for their anchors and then to be
# written.  A reference to a page of ours becomes a link to where it is described; others stay text, since they are
# about the reader's own system.  Each page begins with a way back to the index, and its contents can be folded.

function base(path) {
	sub(".*/", "", path)
	return path
}

function destination(file, name, target) {
	name = file
	sub(/\.[1-9]\.html$/, "", name)
	target = targets[file]
	return target != file && (target, name) in anchors ? target "#" name : target
}

# The names of functions and macros in a line of a table, where mandoc knows no references.
function linked(line, done, name) {
	done = ""
	while (match(line, /(ipclock|IPCLOCK)_[A-Za-z_]+/)) {
		name = substr(line, RSTART, RLENGTH)
		done = done substr(line, 1, RSTART - 1)
		line = substr(line, RSTART + RLENGTH)
		if ((name ".3.html") in targets)
			name = "<a class=\"Xr\" href=\"" destination(name ".3.html") "\">" name "</a>"
		done = done name
	}
	return done line
}

FNR == 1 {
	file = base(FILENAME)
	writing = seen[file]++
	to = out "/" file
}

NR == FNR { # the first file
	targets[$1] = $2
	next
}

!writing {
	rest = $0
	while (match(rest, / id="[^"]*"/)) {
		anchors[file, substr(rest, RSTART + 5, RLENGTH - 6)]
		rest = substr(rest, RSTART + RLENGTH)
	}
	next
}

{
	done = ""
	rest = $0
	while (match(rest, /<a class="Xr" href="[^"]*">[^<]*<\/a>/)) {
		done = done substr(rest, 1, RSTART - 1)
		link = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		split(link, part, "\"")
		text = link
		gsub(/<[^>]*>/, "", text)
		if (part[4] in targets)
			done = done "<a class=\"Xr\" href=\"" destination(part[4]) "\">" text "</a>"
		else
			done = done "<span class=\"Xr\">" text "</span>"
	}
	line = done rest
}

file == "index.html" && line ~ /<title>/ {
	line = "  <title>libipclock " version "</title>"
}

line ~ /<table class="tbl"/ { table = 1 }
table { line = linked(line) }
line ~ /<\/table>/ { table = 0 }

# The table of contents can be folded.
line ~ /^<h1 class="Sh">TABLE OF CONTENTS<\/h1>$/ {
	line = "<details class=\"toc\"><summary>Contents</summary>"
	contents = 1
}

contents && line == "</ul>" {
	line = line "\n</details>"
	contents = 0
}

{ print line >to }

/^<body>$/ && file != "index.html" {
	print "<nav><a href=\"index.html\">libipclock</a></nav>" >to
}

/^<\/html>$/ { close(to) }
