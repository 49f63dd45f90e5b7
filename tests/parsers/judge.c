/*
 * The verdict on many archives by one process, and the tree that would be served of each that passes, a line of JSON an
 * archive. The rules are asked in full, as `vouchfs verify` does of what nobody has signed.
 *
 *     judge DIRECTORY
 *
 *     {"file": "7.zip", "rule": 10, "why": "ZIP-R10: ..."}
 *     {"file": "8.zip", "rule": 0, "entries": [{"name": "a/b", "type": "file", "executable": false, "size": 3,
 *      "sha256": "..."}, {"name": "a", "type": "directory"}]}
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/zip.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"

#define FILE_MAX ((size_t)64 * 1024 * 1024)

static int put_content(struct json *j, const struct io_reader *file, const struct zip_entry *entry)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[CRYPTO_SHA256_HEX_SIZE];
	void *bytes = malloc((size_t)entry->size_bytes + 1);
	int r = bytes ? zip_read_entry(file, entry, bytes) : -ENOMEM;
	if (r == 0)
		r = crypto_sha256(bytes, entry->size_bytes, digest);
	if (r == 0) {
		text_hex(digest, sizeof(digest), hex);
		json_bool(j, "executable", entry->executable);
		json_u64(j, "size", entry->size_bytes);
		json_text(j, "sha256", hex);
	}
	free(bytes);
	return r;
}

static int put_tree(struct json *j, const struct io_reader *file, const struct zip_archive *archive)
{
	int r = 0;
	json_array(j, "entries");
	for (size_t i = 0; r == 0 && i < archive->entry_count; i++) {
		const struct zip_entry *entry = &archive->entries[i];
		bool is_file = entry->kind == ZIP_ENTRY_FILE;
		json_object(j, NULL);
		json_text_n(j, "name", entry->name, entry->name_len);
		json_text(j, "type", is_file ? "file" : "directory");
		if (is_file)
			r = put_content(j, file, entry);
		json_close(j);
	}
	json_close(j);
	return r;
}

static int judge(struct json *j, const struct buf *bytes)
{
	const struct zip_limits limits = {.max_unpacked_bytes = LIMIT_UNPACKED_BYTES_DEFAULT};
	struct io_memory memory = {bytes->data, bytes->len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};
	int r = zip_open_archive(&file, &limits, &archive, &refusal);
	if (r == 0)
		r = zip_check_contents(&file, archive, &limits, &refusal);
	bool is_refused = r == -EBADMSG && refusal.rule != 0;
	if (r == 0 || is_refused)
		json_u64(j, "rule", refusal.rule);
	if (is_refused) {
		json_text(j, "why", refusal.text.text);
		r = 0;
	} else if (r == 0) {
		r = put_tree(j, &file, archive);
	}
	zip_close_archive(archive);
	return r;
}

static int judge_file(int dirfd, const char *name)
{
	struct buf bytes = {0}, line = {0};
	struct json j = {.out = &line};
	int r = io_read_file(dirfd, name, FILE_MAX, &bytes);
	json_object(&j, NULL);
	json_text(&j, "file", name);
	if (r == 0)
		r = judge(&j, &bytes);
	json_close(&j);
	if (r == 0)
		r = json_end(&j);
	if (r == 0)
		(void)printf("%s\n", line.data);
	else
		(void)fprintf(stderr, "%s: %s\n", name, strerror(-r));
	buf_done(&line);
	buf_done(&bytes);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char **argv)
{
	struct io_names names = {0};
	if (argc != 2) {
		(void)fprintf(stderr, "usage: judge DIRECTORY\n");
		return EXIT_FAILURE;
	}
	(void)setlocale(LC_ALL, "");
	int dirfd = io_open_dir(argv[1]);
	int r = dirfd < 0 ? dirfd : io_list_dir(dirfd, ".", &names);
	if (r == 0 && names.count > 0)
		qsort(names.names, names.count, sizeof(*names.names), by_name);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = judge_file(dirfd, names.names[i]);
	io_names_done(&names);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
