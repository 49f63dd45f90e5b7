#include "archive/zip_sums.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

#include "zip_format.h"
#include "zip_window.h"

uint32_t zip_sum(uint32_t crc, const void *bytes, size_t len)
{
	return libdeflate_crc32(crc, bytes, len);
}

/* An end of the entry, which is less than a block. */
static int add_piece(const struct io_reader *file, uint64_t offset, size_t len, uint8_t *bytes, uint32_t *crc)
{
	int r = zip_pread(file, bytes, len, offset);
	if (r == 0)
		*crc = zip_sum(*crc, bytes, len);
	return r;
}

static uint32_t add_blocks(const struct zip_sums *sums, uint64_t from, uint64_t to, uint32_t crc)
{
	const uLong step = crc32_combine_gen((z_off_t)sums->block_bytes);
	for (uint64_t block = from; block < to; block++)
		crc = (uint32_t)crc32_combine_op(crc, sums->of_blocks[block], step);
	return crc;
}

int zip_sums_vouch(const struct io_reader *file, const struct zip_entry *entry, const struct zip_sums *sums)
{
	const uint64_t begin = entry->data_offset, end = begin + entry->size_bytes;
	const uint64_t from = (begin + sums->block_bytes - 1) / sums->block_bytes, to = end / sums->block_bytes;
	if (entry->method != ZIP_METHOD_STORED || entry->compressed_bytes != entry->size_bytes || from >= to)
		return 0;
	uint8_t *bytes = malloc(sums->block_bytes);
	uint32_t crc = 0;
	int r = bytes ? add_piece(file, begin, (size_t)(from * sums->block_bytes - begin), bytes, &crc) : -ENOMEM;
	if (r < 0)
		goto out;
	crc = add_blocks(sums, from, to, crc);
	r = add_piece(file, to * sums->block_bytes, (size_t)(end - to * sums->block_bytes), bytes, &crc);
	if (r == 0)
		r = crc == entry->crc32 ? 1 : 0;
out:
	free(bytes);
	return r;
}
