/*
 * The main of a target that is built without libFuzzer: runs the files it is given, and those in directories, each
 * once. It ends at the first fault, as any other test that asserts; at last it says how many there were.
 *
 *     replay FILE|DIRECTORY...
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "fuzz.h"

#define INPUT_MAX (16U * 1024 * 1024)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	return 0;
}

/* What a mutator of ours calls; nothing is mutated here. */
size_t LLVMFuzzerMutate(uint8_t *data UNUSED, size_t size, size_t max UNUSED)
{
	return size;
}

static bool run_file(const char *path)
{
	struct buf bytes = {0};
	int r = io_read_path(path, INPUT_MAX, &bytes);
	if (r < 0) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(-r));
		return false;
	}
	char *input = malloc(bytes.len > 0 ? bytes.len : 1); /* of exactly its size */
	ASSERT(input);
	if (bytes.len > 0)
		memcpy(input, bytes.data, bytes.len);
	(void)fprintf(stderr, "%s\n", path); /* the last one is the fault's */
	(void)LLVMFuzzerTestOneInput((const uint8_t *)input, bytes.len);
	free(input);
	buf_done(&bytes);
	return true;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool run(const char *path, unsigned *count)
{
	struct dirent **names = NULL;
	int name_count = scandir(path, &names, is_visible, alphasort);
	bool good = true;
	if (name_count < 0) {
		++*count;
		return run_file(path);
	}
	for (int i = 0; i < name_count; i++) {
		char below[512];
		(void)snprintf(below, sizeof(below), "%s/%s", path, names[i]->d_name);
		good = run(below, count) && good;
		free(names[i]);
	}
	free(names);
	return good;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	bool good = argc > 1;
	(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		good = run(argv[i], &count) && good;
	const char *slash = strrchr(argv[0], '/');
	(void)printf("%s: %u inputs replayed\n", slash ? slash + 1 : argv[0], count);
	return good && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
