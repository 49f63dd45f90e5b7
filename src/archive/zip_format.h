/*
 * zip_format.h - the records of a ZIP as bytes and as structs.
 * Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header) to 4.3.16 (end record).
 */
#ifndef ARCHIVE_ZIP_FORMAT_H
#define ARCHIVE_ZIP_FORMAT_H

#include "base/base.h"

#define ZIP_LOCAL_BYTES	     30U
#define ZIP_RECORD_BYTES     46U
#define ZIP_DESCRIPTOR_BYTES 16U
#define ZIP_END_BYTES	     22U
#define ZIP_LOCATOR_BYTES    20U
/* The longest header: fixed fields of a directory record, then name, extra fields and comment. */
#define ZIP_HEADER_BYTES_MAX (ZIP_RECORD_BYTES + (size_t)3 * UINT16_MAX)

#define ZIP_LOCAL_SIGNATURE	 0x04034b50U
#define ZIP_RECORD_SIGNATURE	 0x02014b50U
#define ZIP_END_SIGNATURE	 0x06054b50U
#define ZIP_DESCRIPTOR_SIGNATURE 0x08074b50U
#define ZIP_LOCATOR_SIGNATURE	 0x07064b50U
#define ZIP_END64_SIGNATURE	 0x06064b50U
#define ZIP_ARCHIVE_EXTRA	 0x08064b50U
#define ZIP_DIGITAL_SIGNATURE	 0x05054b50U

#define ZIP_FLAG_DEFLATE_1  (1U << 1)
#define ZIP_FLAG_DEFLATE_2  (1U << 2)
#define ZIP_FLAG_DESCRIPTOR (1U << 3)
#define ZIP_FLAG_UTF8	    (1U << 11)

#define ZIP_METHOD_STORED   0U
#define ZIP_METHOD_DEFLATED 8U

#define ZIP_DOS_VOLUME_LABEL 0x08U
#define ZIP_DOS_DIRECTORY    0x10U

static inline uint16_t zip_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t zip_u32(const uint8_t *at)
{
	return (uint32_t)zip_u16(at) | (uint32_t)zip_u16(at + 2) << 16;
}

/* The fields that a local header and a directory record share; 26 bytes, in the same order in both. */
struct zip_header {
	uint16_t version_needed;
	uint16_t flags;
	uint16_t method;
	uint16_t time;
	uint16_t date;
	uint32_t crc32;
	uint32_t compressed_bytes;
	uint32_t size_bytes;
	uint16_t name_len;
	uint16_t extra_len;
};
#define ZIP_HEADER_IN_LOCAL  4U /* where they begin */
#define ZIP_HEADER_IN_RECORD 6U

static inline struct zip_header zip_header_decode(const uint8_t *at)
{
	return (struct zip_header){
		.version_needed = zip_u16(at),
		.flags = zip_u16(at + 2),
		.method = zip_u16(at + 4),
		.time = zip_u16(at + 6),
		.date = zip_u16(at + 8),
		.crc32 = zip_u32(at + 10),
		.compressed_bytes = zip_u32(at + 14),
		.size_bytes = zip_u32(at + 18),
		.name_len = zip_u16(at + 22),
		.extra_len = zip_u16(at + 24),
	};
}

#endif
