/* Walks a release: every file with its mode and size. Nothing is read but names, until digests are asked for. */
#include "diff_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/limits.h"

static int add_file(struct diff_tree *tree, const char *path, const struct stat *st)
{
	if (tree->count == tree->capacity) {
		size_t capacity = tree->capacity ? 2 * tree->capacity : 64;
		struct diff_file *files = reallocarray(tree->files, capacity, sizeof(*files));
		if (!files)
			return -ENOMEM;
		tree->files = files;
		tree->capacity = capacity;
	}
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	tree->files[tree->count++] = (struct diff_file){
		.path = copy, .mode = st->st_mode, .size_bytes = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0};
	return 0;
}

static int add_entry(struct diff_tree *tree, const char *folder, const char *name)
{
	struct stat st;
	char *path = NULL;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	int r = fstatat(tree->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : add_file(tree, path, &st);
	free(path);
	return r;
}

static int list_folder(struct diff_tree *tree, const char *folder)
{
	struct io_names names = {0};
	int r = io_list_dir(tree->fd, folder, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = add_entry(tree, folder, names.names[i]);
	io_names_done(&names);
	return r;
}

/* The list grows while it is walked: folders that are found in it are listed when their turn comes. */
static int list_all(struct diff_tree *tree)
{
	int r = list_folder(tree, "task");
	if (r == 0)
		r = list_folder(tree, "opt");
	for (size_t i = 0; r == 0 && i < tree->count; i++)
		if (S_ISDIR(tree->files[i].mode))
			r = list_folder(tree, tree->files[i].path);
	return r;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct diff_file *)a)->path, ((const struct diff_file *)b)->path);
}

int diff_tree_open(int fd, struct diff_tree *ret)
{
	struct diff_tree tree = {.fd = fd};
	int r = list_all(&tree);
	if (r < 0) {
		diff_tree_close(&tree);
		return r;
	}
	if (tree.count > 0)
		qsort(tree.files, tree.count, sizeof(*tree.files), compare_paths);
	*ret = tree;
	return 0;
}

void diff_tree_close(struct diff_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free(tree->files[i].path);
	free(tree->files);
	io_close(&tree->fd);
	*tree = (struct diff_tree){.fd = -1};
}

int diff_file_sha256(const struct diff_tree *tree, const struct diff_file *file, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	int fd = io_openat(tree->fd, file->path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	const struct io_reader reader = io_reader_fd(&fd, file->size_bytes);
	int r = crypto_sha256_reader(&reader, file->size_bytes, ret);
	io_close(&fd);
	return r;
}
