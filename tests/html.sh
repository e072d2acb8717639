#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The manual as HTML: it is made, twice alike, every page and every function is in it, and every link leads somewhere.
set -u
src=${top_srcdir:-.}
man=$src/man
. "$src/tests/report.sh"
html=$dir/html

if ! command -v mandoc >/dev/null; then
	skip "the HTML: mandoc is not here"
	exit $status
fi

is_stub() {
	head -n 1 "$1" | grep -q '^\.so '
}

make_html() {
	sh "$man/html.sh" "$man" "$1" 1.2.3
}

every_page_is_there() {
	missing=0
	for page in "$man"/*.[137]; do
		is_stub "$page" || test -s "$html/$(basename "$page").html" || { echo "$page"; missing=1; }
	done
	return $missing
}

# Every function and macro: in the index, with a link to the page that describes it.
every_name_is_in_the_index() {
	missing=0
	for page in "$man"/*.3; do
		name=$(basename "$page" .3)
		if is_stub "$page"; then
			target=$(sed -n 's/^\.so man3\///p' "$page").html
			grep -Eq "href=\"$target(#$name)?\">$name\(3\)<" "$html/index.html" || { echo "$name"; missing=1; }
		else
			grep -q "href=\"$name.3.html\"" "$html/index.html" || { echo "$name"; missing=1; }
		fi
	done
	return $missing
}

every_page_is_in_the_index() {
	missing=0
	for page in "$html"/*.html; do
		case $(basename "$page") in
		index.html) ;;
		*) grep -q "href=\"$(basename "$page")[\"#]" "$html/index.html" || { echo "$page"; missing=1; } ;;
		esac
	done
	return $missing
}

# A link is a file, a place in this file, or a place in another.
links_lead_somewhere() {
	awk '
	FNR == 1 { file = FILENAME; sub(".*/", "", file); here[file] }
	{
		rest = $0
		while (match(rest, /(id|href)="[^"]*"/)) {
			word = substr(rest, RSTART, RLENGTH)
			rest = substr(rest, RSTART + RLENGTH)
			split(word, part, "\"")
			if (word ~ /^id/) {
				if ((file, part[2]) in ids) { print file ": twice: " part[2]; bad = 1 }
				ids[file, part[2]]
			} else
				links[file "\" " part[2]]
		}
	}
	END {
		for (link in links) {
			n++
			split(link, part, "\" ")
			fragment = ""
			if (hash = index(part[2], "#")) {
				fragment = substr(part[2], hash + 1)
				part[2] = substr(part[2], 1, hash - 1)
			}
			to = part[2] == "" ? part[1] : part[2]
			if (!(to in here) || (fragment != "" && !((to, fragment) in ids))) { print link; bad = 1 }
		}
		print n " links"
		exit bad || n < 100
	}' "$html"/*
}

fits_a_phone() {
	for page in "$html"/*.html; do
		grep -q '<meta name="viewport" content="width=device-width' "$page" &&
		    grep -q 'href="ipclock.css"' "$page" || { echo "$page"; return 1; }
	done
}

knows_no_script_and_no_other_host() {
	! grep -nE '<script|https?://|@import|url\(' "$html"/*
}

check "the pages become HTML" make_html "$html"
check "every page is there" every_page_is_there
check "the index lists every page" every_page_is_in_the_index
check "the index lists every function and macro" every_name_is_in_the_index
check "every link leads somewhere, and no anchor is there twice" links_lead_somewhere
check "every page is made for narrow screens, too" fits_a_phone
check "no page wants a script or another host" knows_no_script_and_no_other_host
check "made again elsewhere" make_html "$dir/again"
check "it is the same, byte for byte" diff -r "$html" "$dir/again"

echo "1..$n"
exit $status
