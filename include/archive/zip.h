/*
 * zip.h - the gate for ZIPs: one file, one meaning.
 *
 * A strict parser of its own because the libraries accept what must be refused (rules R1 to R17 in zip_rules.h). What
 * it passes is listed by libzip as well, and both lists must agree. All functions read through an io_reader and never
 * keep it.
 *
 * Failures: 0; -EBADMSG: a rule is broken, ret_refusal (NULL is fine) says which; other negative errno: could not be
 * decided, ret_refusal is as it was. A reader's own -EBADMSG comes out as -EIO.
 */
#ifndef ARCHIVE_ZIP_H
#define ARCHIVE_ZIP_H

#include "base/base.h"
#include "base/explain.h"
#include "base/io.h"

struct zip_headers;

struct zip_limits {
	uint64_t max_unpacked_bytes;
};

struct zip_refusal {
	unsigned rule;	       /* enum zip_rule; 0 when none */
	struct explain text;   /* `ZIP-R05: entry "a.py": local header differs from directory in size`, escaped */
	struct explain remedy; /* what to do, not in text: `create it anew, ...: zip -r ../new.zip .`; never empty */
};

/* Where an archive ends: R2, and the parts of R3 and R4 that the end record holds. */
struct zip_tail {
	uint64_t end_record_offset; /* of PK\5\6 */
	uint64_t signed_length;	    /* end_record_offset + 20: all before the comment's length field */
	uint64_t comment_offset;    /* signed_length + 2 */
	uint32_t comment_len;
	uint32_t directory_offset;
	uint32_t directory_size;
	uint32_t entry_count;
};
int zip_read_tail(const struct io_reader *file, struct zip_tail *ret, struct zip_refusal *ret_refusal);

/*
 * Does a file that was written in order up to size_bytes end in an end record that fits (directory ends at the record,
 * comment at the end)? Used to find the completing write; a cheap test without a verdict. record is the last end-record
 * signature seen, with all of its fixed 22 bytes, at record_offset.
 */
bool zip_end_record_completes(const uint8_t record[22], uint64_t record_offset, uint64_t size_bytes);

enum zip_entry_kind { ZIP_ENTRY_FILE, ZIP_ENTRY_DIRECTORY };

struct zip_entry {
	const char
		*name; /* in the archive's string pool, without the trailing slash; NUL-terminated, canonical UTF-8 */
	uint16_t name_len;
	uint8_t kind;	 /* enum zip_entry_kind */
	uint8_t method;	 /* 0 stored, 8 deflated */
	bool executable; /* any execute bit, whatever the host byte says */
	uint32_t crc32;
	uint32_t compressed_bytes;
	uint32_t size_bytes;
	uint32_t data_offset; /* first byte of the entry's data */
	int64_t mtime_s;      /* extended timestamp (0x5455) of the directory's record where there is one, else the DOS
				 time read as UTC */
};

/* Immutable, may be shared between threads. entries in the directory's order, entries only (folders that are merely
 * implied are not listed). */
struct zip_archive {
	struct zip_entry *entries;
	size_t entry_count;
	uint64_t unpacked_bytes; /* stated total */
	char *names;		 /* the pool */
};

/*
 * Rules R1 to R15 on the structure; R14 on stated sizes. file is the archive with its comment, or with an empty one.
 * Agreement with libzip's list (R17) is part of it. R7 (inflate, CRC) is zip_check_contents.
 *
 * Not called zip_open: libzip exports that name, and one program cannot have both.
 */
int zip_open_archive(const struct io_reader *file, const struct zip_limits *limits, struct zip_archive **ret,
		     struct zip_refusal *ret_refusal);
/*
 * The same in two parts, for who has other work to do meanwhile; file and headers stay as they are until the end.
 * Archives of fewer than LIMIT_ZIP_ENTRIES_IN_ORDER entries are not looked at beyond the tail before the end; of larger
 * ones our own rules are, and libzip has its opinion on a thread of its own. Where there can be none it is asked in the
 * end. Nothing is known before the end, and what is refused, and why, is the same either way.
 *
 * headers holds bytes of a file that was just written (zip_headers.h), which are not read again. Both parsers are given
 * the same ones, so neither can be shown what the other one was not. NULL: all of it is read.
 */
struct zip_opening;
/* NULL: out of memory, which zip_opening_end answers for it. */
struct zip_opening *zip_opening_new(const struct io_reader *file, const struct zip_headers *headers,
				    const struct zip_limits *limits);
/* Waits, and uses opening up. */
int zip_opening_end(struct zip_opening *opening, struct zip_archive **ret, struct zip_refusal *ret_refusal);
/* Of one that is not to be ended. */
void zip_opening_free(struct zip_opening *opening);

/*
 * The same for bytes that zip_open_archive has passed before and that cannot have changed (their digest was compared):
 * every rule again but R17, which was asked then, and without a limit on the unpacked size.
 */
int zip_reopen_archive(const struct io_reader *file, struct zip_archive **ret);
void zip_close_archive(struct zip_archive *archive);

/* R7 and R14 on bytes produced: inflates every entry and compares size and CRC. */
int zip_check_contents(const struct io_reader *file, const struct zip_archive *archive, const struct zip_limits *limits,
		       struct zip_refusal *ret_refusal);

/*
 * The whole content of one file entry into dst, which holds entry->size_bytes: read or inflated, size and CRC checked.
 * -EBADMSG when they differ (R7).
 */
int zip_read_entry(const struct io_reader *file, const struct zip_entry *entry, void *dst);
/* Whether that inflates it in one piece, several times as fast as in many; its packed data is in memory meanwhile. */
bool zip_reads_at_once(const struct zip_entry *entry);

#endif
