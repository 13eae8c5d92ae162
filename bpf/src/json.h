// SPDX-License-Identifier: MIT
/* Writes JSON. Commas come by themselves; text may be any bytes, what is not UTF-8 becomes U+FFFD. */
#ifndef RINGLIGHT_JSON_H
#define RINGLIGHT_JSON_H

#include <stdbool.h>
#include "buffer.h"

struct json {
	struct buffer text;
	bool comma;
};

/* A value where one is due: in an array, after json_key, or the document itself. */
void json_open(struct json *json, char bracket);
void json_close(struct json *json, char bracket);
void json_key(struct json *json, const char *key);
void json_text(struct json *json, const char *text);
void json_int(struct json *json, int64_t value);
void json_uint(struct json *json, uint64_t value);
void json_bool(struct json *json, bool value);

/* Members of an object. */
void json_text_member(struct json *json, const char *key, const char *text);
void json_int_member(struct json *json, const char *key, int64_t value);
void json_uint_member(struct json *json, const char *key, uint64_t value);
void json_bool_member(struct json *json, const char *key, bool value);

#endif
