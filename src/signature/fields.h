/*
 * fields.h - reads the text of a statement field by field, in a fixed order. What is read is printed again and compared
 * by the caller, so these functions need not care for every way in which a text can be odd.
 */
#ifndef SIGNATURE_FIELDS_H
#define SIGNATURE_FIELDS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"
#include "base/text.h"

struct fields {
	const char *at;
	const char *end;
	struct explain *why;
};

/* The next line, which must have this key. 0 or -EBADMSG. */
int fields_next(struct fields *fields, const char *key, struct text_line *ret);
int fields_next_u64(struct fields *fields, const char *key, uint64_t *ret);
int fields_next_time(struct fields *fields, const char *key, int64_t *ret_s);
int fields_next_hex(struct fields *fields, const char *key, uint8_t *ret, size_t len);
/* A line with one value that is known. */
int fields_next_constant(struct fields *fields, const char *key, const char *value);

/* -EBADMSG, and why: "<key>: <what is expected>, found "<value>"". */
int fields_refuse(const struct fields *fields, const struct text_line *line, const char *expected);

/* 0 when printed is the text, byte for byte; else -EBADMSG. */
int fields_compare(const struct fields *fields, const struct buf *printed, const char *text, size_t len);

#endif
