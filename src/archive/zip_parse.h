/*
 * zip_parse.h - the steps of zip_open_archive and what they hand to each other. Each step returns 0, -EBADMSG with the
 * refusal filled, or another negative errno.
 */
#ifndef ARCHIVE_ZIP_PARSE_H
#define ARCHIVE_ZIP_PARSE_H

#include "archive/zip.h"
#include "zip_format.h"
#include "zip_refuse.h"
#include "zip_window.h"

/* One record of the directory, kept until its local header has been compared with it. */
struct zip_record {
	struct zip_header header;
	uint32_t header_offset;
	uint32_t name_offset; /* in the pool */
};

struct zip_parse {
	const struct io_reader *file;
	const struct zip_headers *headers; /* NULL: all is read */
	const struct zip_limits *limits;
	struct zip_refusal *refusal; /* NULL is fine */
	struct zip_tail tail;
	struct zip_record *records;  /* entry_count of them, in the directory's order */
	struct zip_archive *archive; /* filled as far as the steps have come */
};

/* R3, R4, R7 to R10, R12 to R15 on the directory's records: fills records, entries and the pool. */
int zip_parse_directory(struct zip_parse *parse);

/* R11. */
int zip_parse_tree(struct zip_parse *parse);

/* R5, R6 and R9 on local headers and descriptors: fills data_offset. */
int zip_parse_tiling(struct zip_parse *parse);

/* R17: libzip opens the archive under its own consistency checks and lists the same entries. */
int zip_parse_agreement(const struct zip_parse *parse);

/*
 * The same on a thread of its own, which looks at what the parse holds by now: none of that may change or go before the
 * end. NULL: there can be no thread, so it has to be asked in order.
 */
struct zip_opinion;
struct zip_opinion *zip_opinion_begin(const struct zip_parse *parse);
/* Waits for it, sets *opinion to NULL. refusal is written on -EBADMSG only; NULL is fine. */
int zip_opinion_end(struct zip_opinion **opinion, struct zip_refusal *refusal);

#endif
