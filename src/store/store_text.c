/*
 * Small texts that carry a checksum and the name of their place, so that a torn, edited or misplaced one is noticed:
 *
 *     vouchfs-text: 1
 *     place: functions/main/current
 *     <empty line>
 *     <the text>
 *     sha256: <of all before>
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "internal.h"

#define SEAL_KEY      "sha256: "
#define SEAL_BYTES    (sizeof(SEAL_KEY) - 1 + CRYPTO_SHA256_HEX_SIZE) /* the NUL's place is the newline's */
#define OVERHEAD_MAX  1024
#define NUMBER_DIGITS 20

int store_seal(struct buf *text)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[CRYPTO_SHA256_HEX_SIZE];
	int r = crypto_sha256(text->data, text->len, digest);
	if (r < 0)
		return r;
	text_hex(digest, sizeof(digest), hex);
	return buf_printf(text, SEAL_KEY "%s\n", hex);
}

int store_unseal(const char *text, size_t len, size_t *ret_len)
{
	if (len < SEAL_BYTES)
		return -EBADMSG;
	size_t body = len - SEAL_BYTES;

	uint8_t found[CRYPTO_SHA256_BYTES], expected[CRYPTO_SHA256_BYTES];
	const char *hex = text + body + strlen(SEAL_KEY);
	if (memcmp(text + body, SEAL_KEY, strlen(SEAL_KEY)) != 0 || text[len - 1] != '\n' ||
	    !text_unhex(hex, CRYPTO_SHA256_HEX_SIZE - 1, found, sizeof(found)))
		return -EBADMSG;
	int r = crypto_sha256(text, body, expected);
	if (r < 0)
		return r;
	if (memcmp(found, expected, sizeof(found)) != 0)
		return -EBADMSG;
	*ret_len = body;
	return 0;
}

static int append_header(struct buf *text, const char *place)
{
	return buf_printf(text, "vouchfs-text: 1\nplace: %s\n\n", place);
}

static int wrap(const char *place, const char *text, size_t len, struct buf *ret)
{
	int r = append_header(ret, place);
	if (r == 0)
		r = buf_append(ret, text, len);
	if (r == 0)
		r = buf_putc(ret, '\n');
	return r < 0 ? r : store_seal(ret);
}

int store_show_text(struct store *store, int dirfd, const char *file, const char *place, const char *text, size_t len)
{
	struct buf out = {0};
	int r = wrap(place, text, len, &out);
	if (r == 0)
		r = store_show_bytes(store, dirfd, file, out.data, out.len);
	buf_done(&out);
	return r;
}

int store_write_text(struct store *store, int dirfd, const char *file, const char *place, const char *text, size_t len)
{
	struct buf out = {0};
	int r = wrap(place, text, len, &out);
	if (r == 0)
		r = store_write_file(store, dirfd, file, out.data, out.len);
	buf_done(&out);
	return r;
}

/* The text between the header for this place and the newline before the seal. */
static int unwrap(const struct buf *file, const char *place, const char **ret, size_t *ret_len)
{
	struct buf header = {0};
	size_t len = 0;
	int r = append_header(&header, place);
	if (r == 0)
		r = store_unseal(file->data, file->len, &len);
	if (r < 0)
		goto out;
	r = -EBADMSG;
	if (len <= header.len || memcmp(file->data, header.data, header.len) != 0 || file->data[len - 1] != '\n')
		goto out;
	*ret = file->data + header.len;
	*ret_len = len - header.len - 1;
	r = 0;
out:
	buf_done(&header);
	return r;
}

int store_as_damage(int r)
{
	switch (-r) {
	case EINVAL: /* not regular */
	case EFBIG:
	case EISDIR:
	case ELOOP: /* a symlink */
	case ENOTDIR:
	case ENXIO:
	case EXDEV:
		return -EBADMSG;
	default:
		return r;
	}
}

int store_read_text(int dirfd, const char *file, const char *place, size_t max, struct buf *ret)
{
	struct buf raw = {0};
	const char *text;
	size_t len;
	int r = store_as_damage(io_read_file(dirfd, file, max + OVERHEAD_MAX, &raw));
	if (r == 0)
		r = unwrap(&raw, place, &text, &len);
	if (r == 0)
		r = buf_append(ret, text, len);
	buf_done(&raw);
	return r;
}

int store_write_number(struct store *store, int dirfd, const char *file, const char *place, uint64_t number)
{
	char text[NUMBER_DIGITS + 1];
	int len = snprintf(text, sizeof(text), "%" PRIu64, number);
	return store_write_text(store, dirfd, file, place, text, (size_t)len);
}

int store_read_number(int dirfd, const char *file, const char *place, uint64_t *ret)
{
	struct buf text = {0};
	int r = store_read_text(dirfd, file, place, NUMBER_DIGITS, &text);
	if (r == 0 && !text_parse_u64(text.data ? text.data : "", text.len, UINT64_MAX, ret))
		r = -EBADMSG;
	buf_done(&text);
	return r;
}
