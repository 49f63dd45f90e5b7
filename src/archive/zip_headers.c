#include "archive/zip_headers.h"

#include "zip_format.h"

#define KEPT_BYTES_MAX ((size_t)8 * 1024 * 1024) /* 65,534 names of 90 bytes */

static const struct zip_header_span *spans_of(const struct zip_headers *headers, size_t *ret_count)
{
	*ret_count = headers->spans.len / sizeof(struct zip_header_span);
	return (const struct zip_header_span *)(const void *)headers->spans.data;
}

/* The header in hand, as far as it is there. */
static const uint8_t *in_hand(const struct zip_headers *headers)
{
	return (const uint8_t *)headers->bytes.data + headers->bytes.len - headers->kept;
}

/* How long it is: that is known once its fixed part is there. */
static size_t wanted(const struct zip_headers *headers)
{
	if (headers->kept < ZIP_LOCAL_BYTES)
		return ZIP_LOCAL_BYTES;
	struct zip_header header = zip_header_decode(in_hand(headers) + ZIP_HEADER_IN_LOCAL);
	return (size_t)ZIP_LOCAL_BYTES + header.name_len + header.extra_len;
}

static bool append(struct zip_headers *headers, const uint8_t *bytes, size_t len)
{
	if (headers->bytes.len + len > KEPT_BYTES_MAX || buf_append(&headers->bytes, bytes, len) < 0)
		return false;
	headers->kept += len;
	return headers->kept < ZIP_LOCAL_BYTES || zip_u32(in_hand(headers)) == ZIP_LOCAL_SIGNATURE;
}

/* The header in hand is whole. False: where the next one is cannot be told from it. */
static bool go_on(struct zip_headers *headers)
{
	struct zip_header header = zip_header_decode(in_hand(headers) + ZIP_HEADER_IN_LOCAL);
	const struct zip_header_span span = {
		.offset = (uint32_t)headers->next,
		.len = (uint32_t)headers->kept,
		.at = headers->bytes.len - headers->kept,
	};
	if (headers->next > UINT32_MAX || buf_append(&headers->spans, &span, sizeof(span)) < 0)
		return false;
	headers->next += headers->kept + header.compressed_bytes;
	headers->kept = 0;
	return !(header.flags & ZIP_FLAG_DESCRIPTOR);
}

void zip_headers_note(struct zip_headers *headers, const void *bytes, size_t len, uint64_t offset)
{
	headers->is_over |= offset != headers->end;
	headers->end = offset + len;
	while (!headers->is_over && headers->next + headers->kept < headers->end) {
		uint64_t at = headers->next + headers->kept, left = headers->end - at;
		size_t missing = wanted(headers) - headers->kept;
		size_t some = left < missing ? (size_t)left : missing;
		headers->is_over = !append(headers, (const uint8_t *)bytes + (at - offset), some);
		if (!headers->is_over && headers->kept >= ZIP_LOCAL_BYTES && headers->kept == wanted(headers))
			headers->is_over = !go_on(headers);
	}
}

void zip_headers_done(struct zip_headers *headers)
{
	buf_done(&headers->bytes);
	buf_done(&headers->spans);
	*headers = (struct zip_headers){0};
}

static bool begins_by(const struct zip_header_span *span, uint64_t offset)
{
	return span->offset <= offset;
}

/* The last span that begins at offset or before; there is one. */
static size_t search(const struct zip_header_span *spans, size_t count, uint64_t offset)
{
	size_t low = 0, high = count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (begins_by(&spans[middle], offset))
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The same, looked for first where the last one was, and behind it. */
static size_t search_from(const struct zip_header_span *spans, size_t count, uint64_t offset, size_t hint)
{
	for (size_t i = hint; i < count && i < hint + 2; i++)
		if (begins_by(&spans[i], offset) && (i + 1 == count || !begins_by(&spans[i + 1], offset)))
			return i;
	return search(spans, count, offset);
}

const uint8_t *zip_headers_find(const struct zip_headers *headers, uint64_t offset, size_t len, size_t *hint)
{
	size_t count = 0;
	const struct zip_header_span *spans = headers ? spans_of(headers, &count) : NULL;
	if (count == 0 || !begins_by(&spans[0], offset))
		return NULL;

	size_t index = search_from(spans, count, offset, *hint);
	const struct zip_header_span *span = &spans[index];
	uint64_t from = offset - span->offset;
	if (from > span->len || len > span->len - from)
		return NULL;
	*hint = index;
	return (const uint8_t *)headers->bytes.data + span->at + from;
}
