/*
 * json.h - writes JSON, never reads it. Output is ASCII: all else is escaped; bytes that are not UTF-8 become \ufffd.
 * The writer keeps commas, nesting and the first failure; json_end reports it. Keys are written in the order of the
 * calls.
 *
 *     struct json j = {.out = &buf, .pretty = true};
 *     json_object(&j, NULL);
 *     json_text(&j, "jobId", id);
 *     json_close(&j);
 *     r = json_end(&j);                         0 or -ENOMEM
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/base.h"
#include "base/buf.h"

#define JSON_DEPTH_MAX 16

struct json {
	struct buf *out;
	bool pretty; /* four blanks a level, as the AWS CLI prints; else one line */
	int error;
	unsigned depth;
	char closer[JSON_DEPTH_MAX];
	bool has_items[JSON_DEPTH_MAX];
};

/* Hidden from shared libraries: libjansson has json_object and json_array of its own, and must go on finding those. */
#pragma GCC visibility push(hidden)
/* key is NULL inside arrays and at the top. */
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_close(struct json *j);
void json_text(struct json *j, const char *key, const char *value); /* NULL writes null */
void json_text_n(struct json *j, const char *key, const char *value, size_t len);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_aws_time(struct json *j, const char *key,
		   int64_t at_s); /* "2026-11-21T17:27:12+00:00", as AWS prints times */
int json_end(struct json *j);
#pragma GCC visibility pop

#endif
