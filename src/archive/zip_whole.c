#include "zip_whole.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>

#include "zip_window.h"

/* Exact ends: all that is packed is one stream, and it unpacks to the stated size and CRC. */
static bool inflates_to(const struct zip_entry *entry, const void *packed, void *dst)
{
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	size_t taken = 0, produced = 0;
	if (!decompressor)
		return false;
	enum libdeflate_result result = libdeflate_deflate_decompress_ex(decompressor, packed, entry->compressed_bytes,
									 dst, entry->size_bytes, &taken, &produced);
	libdeflate_free_decompressor(decompressor);
	return result == LIBDEFLATE_SUCCESS && taken == entry->compressed_bytes && produced == entry->size_bytes &&
	       libdeflate_crc32(0, dst, produced) == entry->crc32;
}

bool zip_reads_at_once(const struct zip_entry *entry)
{
	return entry->method == ZIP_METHOD_DEFLATED && entry->compressed_bytes <= ZIP_WHOLE_PACKED_MAX;
}

int zip_read_whole(const struct io_reader *file, const struct zip_entry *entry, void *dst)
{
	if (!zip_reads_at_once(entry))
		return 0;
	void *packed = malloc((size_t)entry->compressed_bytes + 1);
	if (!packed)
		return -ENOMEM;
	int r = zip_pread(file, packed, entry->compressed_bytes, entry->data_offset);
	if (r == 0)
		r = inflates_to(entry, packed, dst) ? 1 : 0;
	free(packed);
	return r;
}
