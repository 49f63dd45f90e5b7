/*
 * zip_builder.h - makes ZIPs for tests: a good one in three lines, a bad one by turning one knob.
 *
 *     struct zip_builder z = {0};
 *     zip_builder_add(&z, "app.py", "print(1)\n");
 *     zip_builder_add_dir(&z, "data/");
 *     struct buf zip = zip_builder_finish(&z);          then buf_done(&zip)
 *
 * Every field may be changed in between: after an add, those of the entry; after zip_builder_layout, all that is
 * computed too (lengths, offsets, the end record). zip_builder_write then writes down what stands there, right or
 * wrong. Running out of memory aborts.
 */
#ifndef TESTS_ZIP_BUILDER_H
#define TESTS_ZIP_BUILDER_H

#include "base/buf.h"

#define ZIP_BUILDER_DESCRIPTOR 8U    /* flag bit 3 */
#define ZIP_BUILDER_UTF8       2048U /* flag bit 11 */

/* What a local header and a directory record have in common, in the order of the format. */
struct zip_builder_header {
	uint32_t signature;
	uint16_t version_needed, flags, method, time, date;
	uint32_t crc32, compressed, size;
	uint16_t name_len, extra_len; /* set by layout */
};

struct zip_builder_entry {
	struct buf before; /* bytes in front of the local header; empty in a good archive */

	struct zip_builder_header local;
	struct buf local_name, local_extra;
	struct buf data; /* as it lies in the archive */
	struct buf descriptor;

	struct zip_builder_header record;
	struct buf name, extra, comment;
	uint16_t made_by, comment_len /* set by layout */, disk, internal;
	uint32_t external, offset /* set by layout */;
};

struct zip_builder_end {
	uint32_t signature;
	uint16_t disk, directory_disk, count_on_disk, count;
	uint32_t directory_size, directory_offset;
	uint16_t comment_len;
};

struct zip_builder {
	struct zip_builder_entry **entries;
	size_t entry_count;
	struct buf before_directory, before_end, comment, after_end; /* between and behind the parts */
	struct zip_builder_end end;				     /* set by layout */
};

/* Adds a file: stored, mode 0644, bit 11 where the name is not ASCII. The entry stays in place until the end. */
struct zip_builder_entry *zip_builder_add(struct zip_builder *z, const char *name, const char *content);

enum zip_builder_method { ZIP_BUILDER_STORED = 0, ZIP_BUILDER_DEFLATED = 8 };
struct zip_builder_entry *zip_builder_add_file(struct zip_builder *z, const char *name, const void *content, size_t len,
					       enum zip_builder_method method, unsigned mode);

/* Adds a directory entry; name ends in a slash. */
struct zip_builder_entry *zip_builder_add_dir(struct zip_builder *z, const char *name);

/* Changes of one entry that concern several fields. */
void zip_builder_set_name(struct zip_builder_entry *entry, const void *name, size_t len); /* in both headers */
void zip_builder_set_flags(struct zip_builder_entry *entry, uint16_t flags);		  /* in both headers */
void zip_builder_set_mode(struct zip_builder_entry *entry, unsigned mode);		  /* with the file type */
void zip_builder_set_size(struct zip_builder_entry *entry, uint32_t size); /* unpacked, in both headers */
void zip_builder_use_descriptor(struct zip_builder_entry *entry); /* bit 3, local fields zero, descriptor behind */
void zip_builder_add_extra(struct buf *extra, uint16_t id, const void *bytes, uint16_t len);

/* Little-endian numbers, for fields made by hand. */
void zip_builder_put16(struct buf *out, uint16_t value);
void zip_builder_put32(struct buf *out, uint32_t value);

/* Computes lengths, offsets and the end record from what is there. */
void zip_builder_layout(struct zip_builder *z);

/* Writes the archive as it stands and empties the builder. */
struct buf zip_builder_write(struct zip_builder *z);

/* Layout and write. */
struct buf zip_builder_finish(struct zip_builder *z);

/* Frees a builder that was not written. */
void zip_builder_done(struct zip_builder *z);

#endif
