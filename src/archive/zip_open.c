/*
 * Opens an archive: the steps in their order. What is accepted has passed all of them.
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

static int run_steps(struct zip_parse *parse, zip_step *const *steps, size_t count, struct zip_archive **ret)
{
	int r = zip_read_tail(parse->file, &parse->tail, parse->refusal);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = steps[i](parse);
	if (r == 0) {
		*ret = parse->archive;
		parse->archive = NULL;
	}
	free(parse->records);
	zip_close_archive(parse->archive);
	return r;
}

static zip_step *const all_steps[] = {
	check_frame, allocate, zip_parse_directory, zip_parse_tiling, zip_parse_tree, zip_parse_agreement,
};

int zip_open_written(const struct io_reader *file, const struct zip_headers *headers, const struct zip_limits *limits,
		     struct zip_archive **ret, struct zip_refusal *ret_refusal)
{
	struct zip_parse parse = {.file = file, .headers = headers, .limits = limits, .refusal = ret_refusal};
	return run_steps(&parse, all_steps, ARRAY_SIZE(all_steps), ret);
}

int zip_open_archive(const struct io_reader *file, const struct zip_limits *limits, struct zip_archive **ret,
		     struct zip_refusal *ret_refusal)
{
	return zip_open_written(file, NULL, limits, ret, ret_refusal);
}

int zip_reopen_archive(const struct io_reader *file, struct zip_archive **ret)
{
	/* What was admitted stays admitted when the limit is lowered later. */
	const struct zip_limits limits = {.max_unpacked_bytes = UINT32_MAX};
	struct zip_parse parse = {.file = file, .limits = &limits};
	ASSERT(all_steps[ARRAY_SIZE(all_steps) - 1] == zip_parse_agreement);
	return run_steps(&parse, all_steps, ARRAY_SIZE(all_steps) - 1, ret);
}

void zip_close_archive(struct zip_archive *archive)
{
	if (!archive)
		return;
	free(archive->entries);
	free(archive->names);
	free(archive);
}
