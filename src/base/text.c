#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool text_parse_u64(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
	if (len == 0 || (len > 1 && text[0] == '0'))
		return false;

	uint64_t value = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (!base_mul_u64(value, 10, &value) || !base_add_u64(value, (uint64_t)(text[i] - '0'), &value))
			return false;
	}
	if (value > max)
		return false;
	*ret = value;
	return true;
}

bool text_parse_duration(const char *text, uint64_t max_s, uint64_t *ret_s)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

	size_t len = strlen(text);
	uint64_t unit_s = 1;
	for (size_t i = 0; len > 0 && i < ARRAY_SIZE(units); i++) {
		if (text[len - 1] == units[i].letter) {
			unit_s = units[i].seconds;
			len--;
			break;
		}
	}

	uint64_t count, seconds;
	if (!text_parse_u64(text, len, max_s, &count) || !base_mul_u64(count, unit_s, &seconds) || seconds > max_s)
		return false;
	*ret_s = seconds;
	return true;
}

static const char hex_digits[] = "0123456789abcdef";

void text_hex(const uint8_t *bytes, size_t len, char *ret_hex)
{
	for (size_t i = 0; i < len; i++) {
		ret_hex[2 * i] = hex_digits[bytes[i] >> 4];
		ret_hex[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
	ret_hex[2 * len] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void text_uuid(const uint8_t bytes[16], unsigned version, char ret[37])
{
	uint8_t b[16];
	memcpy(b, bytes, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	(void)snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		       b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool text_unhex(const char *hex, size_t hex_len, uint8_t *ret_bytes, size_t len)
{
	if (hex_len != 2 * len)
		return false;
	for (size_t i = 0; i < hex_len; i++)
		if (hex_value(hex[i]) < 0)
			return false;
	for (size_t i = 0; i < len; i++)
		ret_bytes[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
	return true;
}

void text_base64(const uint8_t *bytes, size_t len, char *ret)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		unsigned group = (unsigned)bytes[i] << 16;
		if (i + 1 < len)
			group |= (unsigned)bytes[i + 1] << 8;
		if (i + 2 < len)
			group |= bytes[i + 2];
		*ret++ = digits[group >> 18];
		*ret++ = digits[group >> 12 & 63];
		*ret++ = i + 1 < len ? digits[group >> 6 & 63] : '=';
		*ret++ = i + 2 < len ? digits[group & 63] : '=';
	}
	*ret = '\0';
}

bool text_equal(const char *a, size_t a_len, const char *b)
{
	return strlen(b) == a_len && memcmp(a, b, a_len) == 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), suffix_len = strlen(suffix);
	return len >= suffix_len && memcmp(text + len - suffix_len, suffix, suffix_len) == 0;
}

bool text_consists_of(const char *text, size_t len, const char *set, size_t min, size_t max)
{
	if (len < min || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || !strchr(set, text[i]))
			return false;
	return true;
}

bool text_is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return true;
}

char *text_escape_print(char *dst, size_t dst_size, const char *text, size_t len)
{
	static const char cut[] = "...";

	ASSERT(dst_size > sizeof(cut));
	size_t used = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		char piece[5];
		if (c == '\\')
			memcpy(piece, "\\\\", 3);
		else if (c >= 0x20 && c < 0x7f)
			memcpy(piece, (char[]){(char)c, '\0'}, 2);
		else
			(void)snprintf(piece, sizeof(piece), "\\x%02x", c);

		size_t piece_len = strlen(piece);
		size_t room = i + 1 < len ? sizeof(cut) : 1; /* what may still have to follow */
		if (used + piece_len + room > dst_size) {
			memcpy(dst + used, cut, sizeof(cut));
			return dst;
		}
		memcpy(dst + used, piece, piece_len);
		used += piece_len;
	}
	dst[used] = '\0';
	return dst;
}

/* One byte of an escaped text; returns how many characters stood for it, 0 when they are none of ours. */
static size_t unescape_one(const char *text, size_t len, char *ret)
{
	unsigned char c = (unsigned char)text[0];
	if (c != '\\') {
		*ret = text[0];
		return c >= 0x20 && c < 0x7f ? 1 : 0;
	}
	if (len >= 2 && text[1] == '\\') {
		*ret = '\\';
		return 2;
	}
	uint8_t byte;
	if (len < 4 || text[1] != 'x' || !text_unhex(text + 2, 2, &byte, 1) || (byte >= 0x20 && byte < 0x7f))
		return 0;
	*ret = (char)byte;
	return 4;
}

bool text_unescape_print(const char *text, size_t len, char *ret, size_t ret_size, size_t *ret_len)
{
	size_t used = 0;
	while (len > 0) {
		char byte;
		size_t taken = unescape_one(text, len, &byte);
		if (taken == 0 || used + 1 >= ret_size)
			return false;
		ret[used++] = byte;
		text += taken;
		len -= taken;
	}
	ret[used] = '\0';
	*ret_len = used;
	return true;
}

#define NEAREST_WORD_MAX 64

static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NEAREST_WORD_MAX + 1];
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
	size_t len = strlen(word);
	if (len == 0 || len > NEAREST_WORD_MAX)
		return NULL;

	const char *nearest = NULL;
	size_t limit = len / 3 + 1;
	for (size_t i = 0; i < count; i++) {
		size_t candidate_len = strlen(candidates[i]);
		if (candidate_len > NEAREST_WORD_MAX)
			continue;
		size_t distance = edit_distance(word, len, candidates[i], candidate_len);
		if (distance <= limit && distance < candidate_len) {
			nearest = candidates[i];
			limit = distance > 0 ? distance - 1 : 0;
			if (distance == 0)
				break;
		}
	}
	return nearest;
}

size_t text_read(const char *text, size_t text_len, void *buf, size_t len, uint64_t offset)
{
	if (offset >= text_len)
		return 0;
	size_t part = len < text_len - offset ? len : (size_t)(text_len - offset);
	memcpy(buf, text + offset, part);
	return part;
}

size_t text_decode_utf8(const char *text, size_t len, uint32_t *ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *at = (const unsigned char *)text;

	size_t need = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
	if (need == 0 || need > len)
		return 0;
	uint32_t point = need == 1 ? at[0] : at[0] & (0x7fU >> need);
	for (size_t i = 1; i < need; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	if (point < smallest[need] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	*ret = point;
	return need;
}
