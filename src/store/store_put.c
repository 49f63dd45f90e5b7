/*
 * How a stage becomes an object:
 *
 *     intent -> objects/ab/<digest>/ -> ref.<slot> -> fsync payload -> tree, sums -> payload -> fsync the directory
 *
 * The payload gets its name last, so an object that has one is whole. The same bytes put again replace what is there:
 * that is how a damaged object heals.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

/* objects/ab/<digest>/, with the directories on the way. */
static int make_object_dir(struct store *store, const uint8_t *digest)
{
	char path[STORE_OBJECT_PATH_SIZE];
	store_object_path(digest, path);
	path[2] = '\0';
	int parent = store_ensure_dir(store, store->objects_fd, path);
	if (parent < 0)
		return parent;
	int fd = store_ensure_dir(store, parent, path + 3);
	io_close(&parent);
	return fd;
}

/* What has the name already, kept open so that removing it costs nothing here; -1: nothing, or no regular file. */
static int open_former(int dirfd)
{
	struct stat st;
	int fd = io_openat(dirfd, "payload", O_RDONLY | O_NONBLOCK, 0);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		io_close(&fd);
	return fd < 0 ? -1 : fd;
}

static int place_payload(struct store *store, struct store_file *payload, int dirfd, int *ret_former)
{
	int former = open_former(dirfd);
	int r = store_file_place(store, payload, dirfd, "payload");
	if (r == 0)
		*ret_former = former;
	else
		io_close(&former);
	return r;
}

/* A hint may be missing, or torn after a crash: then nobody is helped by it. */
static void place_sums(struct store *store, int dirfd, const struct merkle_tree *tree)
{
	if (tree->sums && tree->size_bytes >= STORE_SUMS_FROM_BYTES)
		(void)store_show_bytes(store, dirfd, "sums", tree->sums, tree->leaf_count * sizeof(*tree->sums));
}

static int place_object(struct store *store, struct store_file *payload, const struct merkle_tree *tree,
			const char *function, const struct store_intent *intent, int *ret_former)
{
	int dirfd = make_object_dir(store, tree->digest);
	if (dirfd < 0)
		return dirfd;
	bool made;
	int r = store_ensure_reference(store, dirfd, function, intent, &made);
	if (r == 0)
		r = store_sync(store, payload->fd);
	if (r == 0)
		r = store_place_bytes(store, dirfd, "tree", tree->leaves, tree->leaf_count * sizeof(*tree->leaves));
	if (r == 0)
		place_sums(store, dirfd, tree);
	if (r == 0)
		r = place_payload(store, payload, dirfd, ret_former);
	if (r == 0)
		r = store_sync(store, dirfd);
	io_close(&dirfd);
	return r;
}

/* Takes file and tree over when it succeeds. */
static int put(struct store *store, struct store_file *file, struct merkle_tree *tree, const char *function,
	       struct store_object **ret)
{
	struct store_intent *intent;
	int r = store_intent_resume(store, function, tree->digest, &intent);
	if (r < 0)
		return r;
	int former = -1;
	r = place_object(store, file, tree, function, intent, &former);
	if (r == 0)
		r = store_object_new(store, file->fd, tree, ret);
	if (r == 0) {
		*ret = store_object_publish(*ret);
		store_intent_park(store, intent); /* until the release is committed */
	} else {
		store_intent_end(store, intent);
	}
	store_helpers_close(&store->helpers, &former);
	return r;
}

int store_put_object(struct store *store, struct store_stage *stage, uint64_t length, const char *function,
		     struct store_object **ret)
{
	const struct merkle_tree *computed;
	struct store_file file = {.fd = -1};
	struct merkle_tree *tree = NULL;
	int r = store_is_slot(function) ? store_stage_tree(stage, length, &computed) : -EINVAL;
	int failed = store_stage_take(stage, &file, &tree);
	if (r == 0)
		r = failed;
	if (r == 0)
		r = io_ftruncate(file.fd, length);
	if (r == 0)
		r = put(store, &file, tree, function, ret);
	if (r == 0)
		return 0;
	store_file_drop(store, &file);
	merkle_tree_free(tree);
	return r;
}

void store_discard_object(struct store *store, const char *function, const struct store_object *object)
{
	struct store_intent *intent;
	if (store_intent_resume(store, function, store_object_digest(object), &intent) == 0)
		store_intent_end(store, intent);
}
