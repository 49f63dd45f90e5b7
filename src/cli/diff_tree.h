/* diff_tree.h - the files of one release, as the run side serves them. Private to src/cli. */
#ifndef CLI_DIFF_TREE_PRIVATE_H
#define CLI_DIFF_TREE_PRIVATE_H

#include <sys/types.h>

#include "base/base.h"
#include "crypto/digest.h"

/* A file or a folder below task/ or opt/. */
struct diff_file {
	char *path; /* "task/lib/x.py" */
	mode_t mode;
	uint64_t size_bytes;
};

struct diff_tree {
	int fd;			 /* the release's directory */
	struct diff_file *files; /* sorted by path, byte by byte */
	size_t count;
	size_t capacity;
};

/* Lists what is below task/ and opt/ of an open release directory, which the tree takes over, on failure too. */
int diff_tree_open(int fd, struct diff_tree *ret);
void diff_tree_close(struct diff_tree *tree);

/* All of a file's bytes, as they are served. */
int diff_file_sha256(const struct diff_tree *tree, const struct diff_file *file, uint8_t ret[CRYPTO_SHA256_BYTES]);

#endif
