/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Names that others have chosen, in UTF-8 or not. */

#include "cli.h"

static int
length_by_first(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

int
text_character(const unsigned char *s)
{
	int i, n = length_by_first(*s);

	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
	    (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Control characters, those of the second set, too, are what a terminal obeys. */
void
text_make_plain(char *text)
{
	unsigned char *s = (unsigned char *)text;
	int n;

	for (; *s != '\0'; s += n ? n : 1) {
		n = *s < ' ' || *s == '\177' || (*s == 0xc2 && s[1] < 0xa0) ? 0 : text_character(s);
		if (n == 0)
			*s = '?';
	}
}
