/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stdio.h>
#include <string.h>

#include "system.h"
#include "waiting.h"

#define SECOND_US INT64_C(1000000)
#define WIDEST    512

void
notice_open(struct notice *n, struct hold *hold, int64_t since_us)
{
	*n = (struct notice){
		.hold = hold,
		.since_us = since_us,
		.next_us = terminal_is_there() ? since_us + SECOND_US : INT64_MAX,
	};
}

/* Columns that may be written: the last one would make some terminals wrap. */
static int
columns(void)
{
	int n = terminal_columns();

	return (n < WIDEST ? n : WIDEST) - 1;
}

/* The end of a name that is too long tells more than its beginning. */
static const char *
shortened(const char *name, int width)
{
	int length = (int)strlen(name);

	if (length <= width)
		return name;
	name += length - (width > 0 ? width : 0);
	while (((unsigned char)*name & 0xc0) == 0x80) /* inside a character of UTF-8 */
		name++;
	return name;
}

static void
duration(char *text, size_t size, int ms)
{
	int n, digits = 3, fraction = ms % 1000;

	for (; fraction != 0 && fraction % 10 == 0; digits--)
		fraction /= 10;
	n = snprintf(text, size, "%d", ms / 1000);
	if (fraction != 0)
		snprintf(text + n, size - (size_t)n, ".%0*d", digits, fraction);
}

static const char *
name_of(const struct options *o, char *text, size_t size)
{
	if (o->file != NULL)
		return o->file;
	snprintf(text, size, "descriptor %d", o->fd);
	return text;
}

/* "; pid 812 holds", if that can be known: the message of the try before the wait tells of now. */
static void
add_holder(const struct notice *n, char *tail, size_t size)
{
	static const char before[] = "; held by pid ";
	const char *text = n->hold->kind->message(n->hold), *holder = NULL;
	size_t length = strlen(tail);

	while ((text = strstr(text, before)) != NULL)
		holder = text += strlen(before);
	if (holder != NULL)
		snprintf(tail + length, size - length, "; pid %.*s holds", (int)strspn(holder, "0123456789"), holder);
}

/* "ipclock: waiting to write FILE: 3 s so far, 10 s at most; pid 812 holds"; returns its width. */
static int
compose(const struct notice *n, char *text, int64_t now)
{
	const struct options *o = n->hold->options;
	const char *what = o->jobs ? "for a slot of" : o->soft ? "for" : o->mode == MODE_READ ? "to read" : "to write";
	char number[32], most[32] = "", tail[128];
	const char *full = name_of(o, number, sizeof(number)), *name;
	int i, width = columns();

	if (o->timeout_ms > 0)
		duration(most, sizeof(most), o->timeout_ms);
	snprintf(tail, sizeof(tail), ": %d s so far, %s%s", (int)((now - n->since_us) / SECOND_US),
	    *most ? most : "no limit", *most ? " s at most" : "");
	add_holder(n, tail, sizeof(tail));
	name = shortened(full, width - (int)strlen("ipclock: waiting  ...") - (int)strlen(what) - (int)strlen(tail));
	snprintf(text, (size_t)width + 1, "ipclock: waiting %s %s%s%s", what, name == full ? "" : "...",
	    name, tail);
	for (i = 0; text[i] != '\0'; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == '\177')
			text[i] = '?';
	return i;
}

int64_t
notice_draw(struct notice *n, int64_t most_us)
{
	char text[1 + WIDEST + WIDEST];
	int64_t now = now_us();
	int width;

	if (now >= n->next_us) {
		n->next_us += ((now - n->next_us) / SECOND_US + 1) * SECOND_US;
		if (terminal_is_ours()) {
			width = compose(n, text + 1, now);
			text[0] = '\r';
			for (; width < n->width; width++)
				text[1 + width] = ' ';
			terminal_write(text, (size_t)width + 1);
			n->width = width;
		}
	}
	if (n->next_us - now < most_us)
		most_us = n->next_us - now;
	return most_us;
}

void
notice_erase(struct notice *n)
{
	char text[WIDEST + 2];

	if (n->width == 0)
		return;
	text[0] = '\r';
	memset(text + 1, ' ', (size_t)n->width);
	text[n->width + 1] = '\r';
	if (terminal_is_ours())
		terminal_write(text, (size_t)n->width + 2);
	n->width = 0;
}
