/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* By hand: strtol(3) and strtod(3) take blanks, signs, "nan", and the locale's decimal point. */

#include <limits.h>
#include <stdint.h>

#include "cli.h"

static bool
is_digit(char c, int base)
{
	return c >= '0' && c < '0' + base;
}

/* Moves *text behind its digits.  Stays at max + 1 once beyond max. */
static int64_t
take_digits(const char **text, int base, int64_t max)
{
	int64_t n = 0;

	for (; is_digit(**text, base); ++*text) {
		n = n * base + (**text - '0');
		if (n > max)
			n = max + 1;
	}
	return n;
}

static bool
parse(const char *text, int base, int max, int *value)
{
	const char *end = text;
	int64_t n = take_digits(&end, base, max);

	if (end == text || *end != '\0' || n > max)
		return false;
	*value = (int)n;
	return true;
}

bool
number_parse(const char *text, int max, int *value)
{
	return parse(text, 10, max, value);
}

bool
number_parse_octal(const char *text, int max, int *value)
{
	return parse(text, 8, max, value);
}

/* The first three digits of a fraction; any other rounds up. */
static int
take_thousandths(const char **text)
{
	int ms = 0, unit = 100;
	bool more = false;

	for (; is_digit(**text, 10); ++*text, unit /= 10) {
		ms += unit * (**text - '0');
		more = more || (unit == 0 && **text != '0');
	}
	return ms + more;
}

bool
number_parse_seconds(const char *text, int *ms)
{
	const char *end = text;
	int64_t n = 1000 * take_digits(&end, 10, INT_MAX);
	bool digits = end != text;

	if (*end == '.') {
		end++;
		digits = digits || is_digit(*end, 10);
		n += take_thousandths(&end);
	}
	if (!digits || *end != '\0' || n > INT_MAX)
		return false;
	*ms = (int)n;
	return true;
}
