/*
 * record.h - the home's small records: "key: value" lines, the first one names the kind and its version. Values are
 * escaped (`\\`, `\xNN`), so that any path is one line. Private to this module.
 */
#ifndef SIGNER_RECORD_H
#define SIGNER_RECORD_H

#include "base/buf.h"
#include "base/explain.h"

/* Appends a line; 0 or -ENOMEM. record_put leaves out a NULL value. */
int record_put(struct buf *text, const char *key, const char *value);
int record_put_u64(struct buf *text, const char *key, uint64_t value);
int record_put_time(struct buf *text, const char *key, int64_t at_s);

/*
 * Reads a record: each call writes its value or, when the key is missing or its value is none, notes the first such
 * key and writes an empty one. record_end says whether all was well: 0, -ENOMEM, or -EIO with why.
 */
struct record {
	const struct buf *text;
	const char *bad_key;
	bool out_of_memory;
};
void record_begin(struct record *record, const struct buf *text, const char *kind);
void record_copy(struct record *record, const char *key, char *ret, size_t ret_size,
		 bool (*is_valid)(const char *text, size_t len));
void record_u64(struct record *record, const char *key, uint64_t max, uint64_t *ret);
void record_time(struct record *record, const char *key, int64_t *ret_s);
void record_text(struct record *record, const char *key, char **ret);	       /* free() */
void record_optional_text(struct record *record, const char *key, char **ret); /* NULL when there is none */
/* The index of the value in names, for enumerations. */
void record_choice(struct record *record, const char *key, const char *const *names, size_t count, size_t *ret);
void record_bad(struct record *record, const char *key);
int record_end(const struct record *record, const char *file, struct explain *ret_why);

#endif
