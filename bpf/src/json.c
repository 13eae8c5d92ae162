// SPDX-License-Identifier: MIT
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void raw(struct json *json, const char *text)
{
	buffer_append(&json->text, text, strlen(text));
}

static void value_begins(struct json *json)
{
	if (json->comma)
		raw(json, ",");
	json->comma = true;
}

void json_open(struct json *json, char bracket)
{
	value_begins(json);
	buffer_append(&json->text, &bracket, 1);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	buffer_append(&json->text, &bracket, 1);
	json->comma = true;
}

/* Bytes of the well-formed UTF-8 character at `s`, 0 if there is none. */
static size_t character(const unsigned char *s)
{
	size_t size = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t code = size == 1 ? s[0] : s[0] & (0x7f >> size);

	if (size == 0)
		return 0;
	/* the terminating NUL is no continuation byte, so this never reads past it */
	for (size_t i = 1; i < size; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	bool surrogate = code >= 0xd800 && code <= 0xdfff;
	return code < least[size] || code > 0x10ffff || surrogate ? 0 : size;
}

static void quoted(struct json *json, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char escape[8];

	raw(json, "\"");
	while (*s) {
		size_t size = character(s);
		if (size == 0) {
			raw(json, "\xef\xbf\xbd");
			size = 1;
		} else if (*s < 0x20 || *s == '"' || *s == '\\' || *s == 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", *s);
			raw(json, escape);
		} else {
			buffer_append(&json->text, s, size);
		}
		s += size;
	}
	raw(json, "\"");
}

void json_key(struct json *json, const char *key)
{
	value_begins(json);
	quoted(json, key);
	raw(json, ":");
	json->comma = false;
}

void json_text(struct json *json, const char *text)
{
	value_begins(json);
	quoted(json, text);
}

void json_int(struct json *json, int64_t value)
{
	char digits[24];

	value_begins(json);
	snprintf(digits, sizeof(digits), "%" PRId64, value);
	raw(json, digits);
}

void json_uint(struct json *json, uint64_t value)
{
	char digits[24];

	value_begins(json);
	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	raw(json, digits);
}

void json_bool(struct json *json, bool value)
{
	value_begins(json);
	raw(json, value ? "true" : "false");
}

void json_text_member(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_text(json, text);
}

void json_int_member(struct json *json, const char *key, int64_t value)
{
	json_key(json, key);
	json_int(json, value);
}

void json_uint_member(struct json *json, const char *key, uint64_t value)
{
	json_key(json, key);
	json_uint(json, value);
}

void json_bool_member(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}
