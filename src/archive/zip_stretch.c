#include "zip_stretch.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "zip_window.h"

#define STORED_HEADER_BYTES 5
#define PADDING_BYTES	    16 /* 121 bits */
#define LAST_BLOCK_BYTES    3  /* ten bits, wherever they begin */
#define LAST_BLOCK_HEADER   3U /* last, fixed codes; seven zeros for its end follow */

static size_t put_stored_block(const struct zip_stretch *stretch, uint8_t *dst)
{
	size_t len = stretch->window_len;
	if (len == 0)
		return 0;
	dst[0] = 0; /* not the last */
	dst[1] = (uint8_t)len;
	dst[2] = (uint8_t)(len >> 8);
	dst[3] = (uint8_t)~len;
	dst[4] = (uint8_t)(~len >> 8);
	memcpy(dst + STORED_HEADER_BYTES, stretch->window, len);
	return STORED_HEADER_BYTES + len;
}

/* Lowest bits first. The bytes are zeros before. */
static void put_bits(uint8_t *bytes, uint64_t *at_bit, uint64_t value, unsigned count)
{
	for (unsigned i = 0; i < count; i++, (*at_bit)++)
		bytes[*at_bit / 8] |= (uint8_t)((value >> i & 1) << (*at_bit % 8));
}

/* Ten bits: fixed codes, and seven zeros for the end. */
static void put_even_block(uint8_t *bytes, uint64_t *at_bit)
{
	put_bits(bytes, at_bit, 2, 10);
}

/*
 * 91 bits: a block with codes of its own, which has nothing but its end, either. Lengths of codes are written with two
 * codes of one bit: 0 for "1", 1 for "11 to 138 times 0". Of the literals the last one and the end have codes.
 */
static void put_odd_block(uint8_t *bytes, uint64_t *at_bit)
{
	put_bits(bytes, at_bit, 4, 3);		  /* not the last, codes of its own */
	put_bits(bytes, at_bit, 0, 5 + 5);	  /* 257 literals and lengths, 1 distance */
	put_bits(bytes, at_bit, 18 - 4, 4);	  /* how to write lengths: 18 of these, */
	put_bits(bytes, at_bit, 1 << 6, 9);	  /* 16, 17, 18: zeros repeated */
	put_bits(bytes, at_bit, 0, 3 * 14);	  /* 0, 8, 7, 9, ... 14 */
	put_bits(bytes, at_bit, 1, 3);		  /* 1 */
	put_bits(bytes, at_bit, 1 | 127 << 1, 8); /* 138 zeros */
	put_bits(bytes, at_bit, 1 | 106 << 1, 8); /* 117 zeros */
	put_bits(bytes, at_bit, 0, 3);		  /* literal 255, end, distance */
	put_bits(bytes, at_bit, 1, 1);		  /* the end */
}

/* Empty blocks until as many bits of a byte are taken as before the stretch: stored blocks begin where a byte does. */
static uint64_t put_padding(uint8_t *bytes, unsigned bits)
{
	uint64_t at_bit = 0;
	if (bits % 2 != 0)
		put_odd_block(bytes, &at_bit);
	while (at_bit % 8 != bits)
		put_even_block(bytes, &at_bit);
	return at_bit;
}

static size_t put_last_block(uint8_t *bytes, uint64_t at_bit)
{
	uint8_t *at = bytes + at_bit / 8;
	unsigned bits = (unsigned)(at_bit % 8);
	unsigned header = LAST_BLOCK_HEADER << bits;
	at[0] = (uint8_t)((at[0] & ((1U << bits) - 1)) | header);
	at[1] = (uint8_t)(header >> 8);
	at[2] = 0;
	return (size_t)(at_bit / 8) + (bits + 10 + 7) / 8;
}

/* The stretch as a stream; packed is zeros, and has room for all that it gets. */
static int make_stream(const struct io_reader *file, const struct zip_entry *entry, const struct zip_stretch *stretch,
		       uint8_t *packed, size_t *ret_len)
{
	uint64_t start = stretch->start_bit / 8, end = (stretch->end_bit + 7) / 8;
	size_t before = put_stored_block(stretch, packed);
	unsigned bits = (unsigned)(stretch->start_bit % 8);
	before += (size_t)(put_padding(packed + before, bits) / 8);
	uint8_t *bytes = packed + before;
	uint8_t padding = bytes[0];
	int r = zip_pread(file, bytes, (size_t)(end - start), entry->data_offset + start);
	if (r < 0)
		return r;
	bytes[0] = (uint8_t)((bytes[0] & ~((1U << bits) - 1)) | padding);
	*ret_len = before +
		   (stretch->is_last ? (size_t)(end - start) : put_last_block(bytes, stretch->end_bit - start * 8));
	return 0;
}

static bool inflates_to(const struct zip_stretch *stretch, const uint8_t *packed, size_t packed_len, uint8_t *unpacked)
{
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	size_t taken = 0, produced = 0, len = stretch->window_len + stretch->len;
	if (!decompressor)
		return false;
	enum libdeflate_result result = libdeflate_deflate_decompress_ex(decompressor, packed, packed_len, unpacked,
									 len, &taken, &produced);
	libdeflate_free_decompressor(decompressor);
	return result == LIBDEFLATE_SUCCESS && taken == packed_len && produced == len &&
	       libdeflate_crc32(0, unpacked + stretch->window_len, stretch->len) == stretch->crc32;
}

int zip_read_stretch(const struct io_reader *file, const struct zip_entry *entry, const struct zip_stretch *stretch,
		     void *dst)
{
	ASSERT(stretch->start_bit <= stretch->end_bit && stretch->window_len <= UINT16_MAX);
	size_t room = STORED_HEADER_BYTES + stretch->window_len + PADDING_BYTES +
		      (size_t)((stretch->end_bit + 7) / 8 - stretch->start_bit / 8) + LAST_BLOCK_BYTES;
	uint8_t *packed = calloc(1, room), *unpacked = malloc(stretch->window_len + stretch->len);
	size_t packed_len;
	int r = packed && unpacked ? make_stream(file, entry, stretch, packed, &packed_len) : -ENOMEM;
	if (r < 0)
		goto out;
	r = inflates_to(stretch, packed, packed_len, unpacked) ? 1 : 0;
	if (r > 0)
		memcpy(dst, unpacked + stretch->window_len, stretch->len);
out:
	free(packed);
	free(unpacked);
	return r;
}
