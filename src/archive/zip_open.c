/*
 * Opens an archive: the steps in their order. What is accepted has passed all of them. Of many entries libzip has its
 * opinion while ours, and the caller's other work, goes on; which refusal is told does not depend on who is first.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "zip_parse.h"
#include "zip_tree.h"

/* R1, and the end of R5's tiling: the directory reaches to the end record. Bounds every size that is used later. */
static int check_frame(struct zip_parse *parse)
{
	const struct zip_tail *tail = &parse->tail;

	if (tail->entry_count == 0)
		return zip_refuse(parse->refusal, ZIP_R01_START, REMEDY_NOT_EMPTY, "the archive is empty");
	uint8_t signature[4];
	int r = zip_pread(parse->file, signature, sizeof(signature), 0);
	if (r < 0)
		return r;
	if (zip_u32(signature) != ZIP_LOCAL_SIGNATURE)
		return zip_refuse(parse->refusal, ZIP_R01_START, REMEDY_RECREATE,
				  "the file does not begin with an entry");

	uint64_t directory_end = (uint64_t)tail->directory_offset + tail->directory_size;
	if (directory_end != tail->end_record_offset)
		return zip_refuse(parse->refusal, ZIP_R05_TILING, REMEDY_RECREATE,
				  "the directory ends at byte %llu, the end record begins at %llu",
				  (unsigned long long)directory_end, (unsigned long long)tail->end_record_offset);
	if ((uint64_t)tail->entry_count * ZIP_RECORD_BYTES > tail->directory_size)
		return zip_refuse(parse->refusal, ZIP_R03_COUNTS, REMEDY_RECREATE,
				  "a directory of %u bytes cannot hold %u entries", tail->directory_size,
				  tail->entry_count);
	return 0;
}

static int allocate(struct zip_parse *parse)
{
	size_t count = parse->tail.entry_count;
	parse->records = calloc(count, sizeof(*parse->records));
	parse->archive = calloc(1, sizeof(*parse->archive));
	if (!parse->records || !parse->archive)
		return -ENOMEM;
	parse->archive->entries = calloc(count, sizeof(*parse->archive->entries));
	if (!parse->archive->entries)
		return -ENOMEM;
	parse->archive->entry_count = count;
	return 0;
}

int zip_parse_tree(struct zip_parse *parse)
{
	const struct zip_archive *archive = parse->archive;
	struct zip_tree *tree = malloc(sizeof(*tree));
	if (!tree)
		return -ENOMEM;

	int r = zip_tree_init(tree, parse->tail.entry_count);
	if (r < 0)
		goto out;
	for (size_t i = 0; i < archive->entry_count; i++) {
		const struct zip_entry *entry = &archive->entries[i];
		r = zip_tree_add(tree, entry->name, entry->name_len, entry->kind == ZIP_ENTRY_DIRECTORY,
				 parse->refusal);
		if (r < 0)
			break;
	}
	zip_tree_done(tree);
out:
	free(tree);
	return r;
}

typedef int zip_step(struct zip_parse *);

/* Until libzip is asked, which opens nothing that is not tiled and of sound records. */
static zip_step *const steps_before_libzip[] = {check_frame, allocate, zip_parse_directory, zip_parse_tiling};

static int run_steps_before_libzip(struct zip_parse *parse)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps_before_libzip); i++)
		r = steps_before_libzip[i](parse);
	return r;
}

static void done(struct zip_parse *parse)
{
	free(parse->records);
	zip_close_archive(parse->archive);
}

/* ---- in two parts ---- */

struct zip_opening {
	struct zip_limits limits;
	struct zip_parse parse;
	struct zip_refusal refusal;
	struct zip_opinion *opinion; /* libzip's, on its way; NULL: it is asked in the end */
	bool is_parsed;
	int result; /* of our own rules, as far as they have been looked at */
};

static int parse_all(struct zip_opening *opening, bool beside)
{
	struct zip_parse *parse = &opening->parse;
	int r = run_steps_before_libzip(parse);
	if (r == 0 && beside)
		opening->opinion = zip_opinion_begin(parse);
	return r < 0 ? r : zip_parse_tree(parse);
}

struct zip_opening *zip_opening_new(const struct io_reader *file, const struct zip_headers *headers,
				    const struct zip_limits *limits)
{
	struct zip_opening *opening = calloc(1, sizeof(*opening));
	if (!opening)
		return NULL;
	opening->limits = *limits;
	opening->parse = (struct zip_parse){
		.file = file, .headers = headers, .limits = &opening->limits, .refusal = &opening->refusal};
	opening->result = zip_read_tail(file, &opening->parse.tail, &opening->refusal);
	if (opening->result == 0 && opening->parse.tail.entry_count >= LIMIT_ZIP_ENTRIES_IN_ORDER) {
		opening->result = parse_all(opening, true);
		opening->is_parsed = true;
	}
	return opening;
}

/* Our own rules first: what they refuse is not libzip's to explain, whoever was ready first. */
int zip_opening_end(struct zip_opening *opening, struct zip_archive **ret, struct zip_refusal *ret_refusal)
{
	if (!opening)
		return -ENOMEM;
	int r = opening->result;
	if (r == 0 && !opening->is_parsed)
		r = parse_all(opening, false);
	if (r == 0)
		r = opening->opinion ? zip_opinion_end(&opening->opinion, &opening->refusal)
				     : zip_parse_agreement(&opening->parse);
	if (r == 0) {
		*ret = opening->parse.archive;
		opening->parse.archive = NULL;
	} else if (r == -EBADMSG && ret_refusal) {
		*ret_refusal = opening->refusal;
	}
	zip_opening_free(opening);
	return r;
}

void zip_opening_free(struct zip_opening *opening)
{
	if (!opening)
		return;
	if (opening->opinion)
		(void)zip_opinion_end(&opening->opinion, NULL);
	done(&opening->parse);
	free(opening);
}

/* ---- in one ---- */

int zip_open_archive(const struct io_reader *file, const struct zip_limits *limits, struct zip_archive **ret,
		     struct zip_refusal *ret_refusal)
{
	return zip_opening_end(zip_opening_new(file, NULL, limits), ret, ret_refusal);
}

int zip_reopen_archive(const struct io_reader *file, struct zip_archive **ret)
{
	/* What was admitted stays admitted when the limit is lowered later. */
	const struct zip_limits limits = {.max_unpacked_bytes = UINT32_MAX};
	struct zip_parse parse = {.file = file, .limits = &limits};
	int r = zip_read_tail(file, &parse.tail, NULL);
	if (r == 0)
		r = run_steps_before_libzip(&parse);
	if (r == 0)
		r = zip_parse_tree(&parse);
	if (r == 0) {
		*ret = parse.archive;
		parse.archive = NULL;
	}
	done(&parse);
	return r;
}

void zip_close_archive(struct zip_archive *archive)
{
	if (!archive)
		return;
	free(archive->entries);
	free(archive->names);
	free(archive);
}
