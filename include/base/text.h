/*
 * text.h - numbers, hex, escaping, near misses; all independent of the locale.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/base.h"
#include "base/buf.h"

/* A decimal without sign, blanks or leading zero ("0" itself is one), at most max. False: *ret unchanged. */
bool text_parse_u64(const char *text, size_t len, uint64_t max, uint64_t *ret);

/* A duration with one unit letter s, m, h or d ("24h"), or a bare number of seconds; at most max_s. */
bool text_parse_duration(const char *text, uint64_t max_s, uint64_t *ret_s);

/* Writes 2*len lower-case digits and a NUL. */
void text_hex(const uint8_t *bytes, size_t len, char *ret_hex);

/* Exactly 2*len lower-case digits. */
bool text_unhex(const char *hex, size_t hex_len, uint8_t *ret_bytes, size_t len);

/* 16 bytes as a UUID of this version (RFC 9562), lower case, with the bits that say so. */
void text_uuid(const uint8_t bytes[16], unsigned version, char ret[37]);

/* Base64 with padding and without line ends; ret has room for TEXT_BASE64_SIZE(len) characters. */
#define TEXT_BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void text_base64(const uint8_t *bytes, size_t len, char *ret);

bool text_equal(const char *a, size_t a_len, const char *b);
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);

/* True when all bytes are in set and len is in [min, max]. */
bool text_consists_of(const char *text, size_t len, const char *set, size_t min, size_t max);

/* ASCII without controls. */
bool text_is_printable(const char *text, size_t len);

/*
 * Copies text so that it is safe on a terminal and in a log line: printable ASCII as it is, `\` doubled, everything
 * else (controls, DEL, every byte >= 0x80) as \xNN. Cut with "..." when it does not fit. Always NUL-terminated; returns
 * dst.
 */
char *text_escape_print(char *dst, size_t dst_size, const char *text, size_t len);

/* Takes back what text_escape_print wrote, uncut. False when it cannot have written this or it does not fit. */
bool text_unescape_print(const char *text, size_t len, char *ret, size_t ret_size, size_t *ret_len);

/* Decodes one well-formed UTF-8 sequence of len > 0 bytes: its length, or 0 when there is none at text. */
size_t text_decode_utf8(const char *text, size_t len, uint32_t *ret);

/* The candidate nearest to word by edit distance, or NULL when none is near enough to be worth a suggestion. */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

/* What a read of a file gives whose content is this text: the part of [offset, offset + len) that there is; its length.
 */
size_t text_read(const char *text, size_t text_len, void *buf, size_t len, uint64_t offset);

/* Takes "key: value" lines apart, one a call; lines end in LF. False at the end or at a line without ": ". */
struct text_line {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
};
bool text_next_line(const char **cursor, const char *end, struct text_line *ret);

/* The value of the first line with this key in a record, copied (free); NULL when absent or out of memory. */
char *text_record_get(const char *record, size_t len, const char *key);
bool text_record_get_u64(const char *record, size_t len, const char *key, uint64_t *ret);

#endif
