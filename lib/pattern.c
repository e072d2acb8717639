/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pattern.h"

#define MOST_WIDTH 64

struct text {
	char *buffer;
	size_t size;
	size_t length;
};

static int
add(struct text *text, const char *more, size_t length)
{
	if (length >= text->size - text->length)
		return ENAMETOOLONG;
	memcpy(text->buffer + text->length, more, length);
	text->length += length;
	text->buffer[text->length] = '\0';
	return 0;
}

/* If *p begins with word, steps over it. */
static bool
skip(const char **p, const char *word)
{
	size_t length = strlen(word);
	bool is = strncmp(*p, word, length) == 0;

	if (is)
		*p += length;
	return is;
}

/* What follows the colon: a width, with zeros if it begins with one. */
static int
width(const char **p, bool *zeros)
{
	int n = 0;

	*zeros = **p == '0';
	while (**p >= '0' && **p <= '9' && n <= MOST_WIDTH)
		n = 10 * n + *(*p)++ - '0';
	return n;
}

static int
add_number(struct text *text, const char **p, unsigned number)
{
	char digits[MOST_WIDTH + 16];
	bool zeros = false;
	int n = 0;

	if (skip(p, ":")) {
		n = width(p, &zeros);
		skip(p, "d");
	}
	if (n > MOST_WIDTH || !skip(p, "}"))
		return EINVAL;
	n = snprintf(digits, sizeof(digits), zeros ? "%0*u" : "%*u", n, number);
	return add(text, digits, (size_t)n);
}

int
ipclock__pattern_format(const char *pattern, const char *name, unsigned number, char *buffer, size_t size)
{
	struct text text = { buffer, size, 0 };
	const char *p = pattern;
	int r = add(&text, "", 0);

	while (*p && r == 0) {
		if (skip(&p, "{{"))
			r = add(&text, "{", 1);
		else if (skip(&p, "}}"))
			r = add(&text, "}", 1);
		else if (skip(&p, "{name}"))
			r = add(&text, name, strlen(name));
		else if (skip(&p, "{number"))
			r = add_number(&text, &p, number);
		else if (*p == '{' || *p == '}')
			r = EINVAL;
		else
			r = add(&text, p++, 1);
	}
	return r;
}

bool
ipclock__pattern_counts(const char *pattern, const char *name)
{
	char zero[1024], one[1024];

	return ipclock__pattern_format(pattern, name, 0, zero, sizeof(zero)) == 0 &&
	    ipclock__pattern_format(pattern, name, 1, one, sizeof(one)) == 0 && strcmp(zero, one) != 0;
}
