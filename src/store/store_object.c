/*
 * Objects that are open: one struct for each digest, shared, and reads that hand out nothing unchecked (I1).
 *
 * The tree in memory is the one whose root was compared with the digest when the object was opened; the payload is
 * never trusted: what is read from it is hashed in the reader's own memory before the call returns, and wiped when it
 * does not match.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "internal.h"

#define PAYLOAD "payload"

struct store_object {
	struct store *store;
	struct store_object *next; /* in its bucket */
	size_t refs;		   /* under store->lock */
	bool published;		   /* is in the table */
	struct store_payload payload;
	struct merkle_tree *tree;
};

void store_object_path(const uint8_t digest[CRYPTO_SHA256_BYTES], char ret[STORE_OBJECT_PATH_SIZE])
{
	text_hex(digest, 1, ret);
	ret[2] = '/';
	text_hex(digest, CRYPTO_SHA256_BYTES, ret + 3);
}

static struct store_object **bucket(struct store *store, const uint8_t *digest)
{
	return &store->objects[(digest[0] << 8 | digest[1]) % STORE_OBJECT_BUCKETS];
}

static struct store_object *find_locked(struct store *store, const uint8_t *digest)
{
	struct store_object *object = *bucket(store, digest);
	while (object && memcmp(object->tree->digest, digest, sizeof(object->tree->digest)) != 0)
		object = object->next;
	return object;
}

static void publish_locked(struct store_object *object)
{
	struct store_object **head = bucket(object->store, object->tree->digest);
	object->next = *head;
	object->published = true;
	*head = object;
}

static void unpublish_locked(struct store_object *object)
{
	struct store_object **at = bucket(object->store, object->tree->digest);
	while (*at != object)
		at = &(*at)->next;
	*at = object->next;
	object->published = false;
	store_payload_keep(&object->store->payloads, &object->payload); /* its file may be another one's by now */
}

static void object_free(struct store_object *object)
{
	if (!object)
		return;
	store_payload_done(&object->store->payloads, &object->payload);
	merkle_tree_free(object->tree);
	free(object);
}

int store_object_new(struct store *store, int fd, struct merkle_tree *tree, struct store_object **ret)
{
	struct store_object *object = calloc(1, sizeof(*object));
	if (!object)
		return -ENOMEM;
	*object = (struct store_object){.store = store, .refs = 1, .tree = tree};
	store_payload_init(&object->payload, fd);
	*ret = object;
	return 0;
}

struct store_object *store_object_publish(struct store_object *object)
{
	struct store *store = object->store;
	lock_take(&store->lock);
	struct store_object *old = find_locked(store, object->tree->digest);
	bool adopted = old && store_payload_adopt(&store->payloads, &old->payload, &object->payload);
	if (adopted)
		old->refs++;
	else if (old)
		unpublish_locked(old); /* whoever has it open keeps it */
	if (!adopted) {
		publish_locked(object);
		store_payload_let_go(&store->payloads, &object->payload);
	}
	lock_drop(&store->lock);
	if (adopted)
		object_free(object);
	return adopted ? old : object;
}

struct store_object *store_object_ref(struct store_object *object)
{
	lock_take(&object->store->lock);
	object->refs++;
	lock_drop(&object->store->lock);
	return object;
}

void store_object_unref(struct store_object *object)
{
	if (!object)
		return;
	struct store *store = object->store;
	lock_take(&store->lock);
	ASSERT(object->refs > 0);
	bool last = --object->refs == 0;
	if (last && object->published)
		unpublish_locked(object);
	lock_drop(&store->lock);
	if (last)
		object_free(object);
}

const uint8_t *store_object_digest(const struct store_object *object)
{
	return object->tree->digest;
}

const uint32_t *store_object_sums(const struct store_object *object)
{
	return object->tree->sums;
}

/* Opens a file of an object that must be regular and have exactly this size. */
static int open_sized(int dirfd, const char *name, uint64_t size_bytes)
{
	int fd = io_openat(dirfd, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return store_as_damage(fd);
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size_bytes))
		r = -EBADMSG;
	if (r < 0)
		io_close(&fd);
	return r < 0 ? r : fd;
}

/* In one step, since others wait for it; store_open_object has looked at each directory on the way. */
static int open_payload(struct store *store, const struct merkle_tree *tree)
{
	char path[STORE_OBJECT_PATH_SIZE + sizeof(PAYLOAD)];
	store_object_path(tree->digest, path);
	path[STORE_OBJECT_PATH_SIZE - 1] = '/';
	memcpy(path + STORE_OBJECT_PATH_SIZE, PAYLOAD, sizeof(PAYLOAD));
	int r;
	do
		r = open_sized(store->objects_fd, path, tree->size_bytes);
	while (store_payloads_make_room(&store->payloads, r));
	return r;
}

/* Returns with it taken. */
static int take_payload(struct store_object *object)
{
	struct store_payloads *payloads = &object->store->payloads;
	while (!store_payload_take(&object->payload)) {
		uint64_t changes = store_payload_changes(payloads, &object->payload);
		int fd = open_payload(object->store, object->tree);
		int r = fd;
		bool is_open = store_payload_offer(payloads, &object->payload, changes, &fd);
		io_close(&fd);
		if (!is_open)
			return r;
	}
	return 0;
}

int store_object_keep_locked(struct store *store, const uint8_t digest[CRYPTO_SHA256_BYTES])
{
	struct store_object *object = find_locked(store, digest);
	if (!object)
		return 0;
	store_payload_keep(&store->payloads, &object->payload); /* before it is looked at: now nobody closes it */
	int r = take_payload(object);
	if (r == 0) {
		store_payload_give_back(&object->payload);
		return 0;
	}
	if (r == -ENOENT || r == -EBADMSG) /* there is nothing to keep */
		return 0;
	store_payload_let_go(&store->payloads, &object->payload);
	return r;
}

static int load_tree(int dirfd, const uint8_t *digest, uint64_t length, struct merkle_tree **ret)
{
	size_t leaf_count = (size_t)(length / MERKLE_BLOCK_BYTES + (length % MERKLE_BLOCK_BYTES != 0));
	size_t size_bytes = leaf_count * CRYPTO_SHA256_BYTES;
	struct merkle_tree *tree = NULL;
	int fd = open_sized(dirfd, "tree", size_bytes);
	if (fd < 0)
		return fd == -ENOENT ? -EBADMSG : fd; /* a payload without its tree */
	uint8_t *leaves = malloc(size_bytes + 1);
	int r = leaves ? io_pread_full(fd, leaves, size_bytes, 0) : -ENOMEM;
	if (r < 0)
		goto out;
	r = merkle_tree_from_leaves(leaves, leaf_count, length, &tree);
	if (r < 0)
		goto out;
	if (memcmp(tree->digest, digest, sizeof(tree->digest)) != 0) {
		r = -EBADMSG;
		goto out;
	}
	*ret = tree;
	tree = NULL;
out:
	merkle_tree_free(tree);
	free(leaves);
	io_close(&fd);
	return r;
}

/* Without them, or when they cannot be had, whoever wants to know reads. */
static void load_sums(const struct store *store, int dirfd, struct merkle_tree *tree)
{
	size_t size_bytes = tree->leaf_count * sizeof(*tree->sums);
	if (!store->sum || tree->size_bytes < STORE_SUMS_FROM_BYTES)
		return;
	int fd = open_sized(dirfd, "sums", size_bytes);
	if (fd < 0)
		return;
	uint32_t *sums = malloc(size_bytes);
	if (sums && io_pread_full(fd, sums, size_bytes, 0) == 0) {
		tree->sums = sums;
		sums = NULL;
	}
	free(sums);
	io_close(&fd);
}

static int open_from_disk(struct store *store, const uint8_t *digest, uint64_t length, struct store_object **ret)
{
	char path[STORE_OBJECT_PATH_SIZE];
	struct merkle_tree *tree = NULL;
	int fd = -1;
	store_object_path(digest, path);
	int dirfd = store_as_damage(io_open_dirat(store->objects_fd, path));
	if (dirfd < 0)
		return dirfd;
	int r = fd = open_sized(dirfd, PAYLOAD, length);
	if (fd < 0)
		goto out;
	r = load_tree(dirfd, digest, length, &tree);
	if (r < 0)
		goto out;
	load_sums(store, dirfd, tree);
	r = store_object_new(store, fd, tree, ret);
	if (r < 0)
		goto out;
	fd = -1;
	tree = NULL;
out:
	merkle_tree_free(tree);
	io_close(&fd);
	io_close(&dirfd);
	return r;
}

/* It may have been removed or replaced since it was opened; then it cannot be opened again. */
static void publish_opened_locked(struct store_object *object)
{
	struct stat st;
	publish_locked(object);
	if (fstat(object->payload.fd, &st) == 0 && st.st_nlink > 0)
		store_payload_let_go(&object->store->payloads, &object->payload);
}

int store_open_object(struct store *store, const uint8_t digest[CRYPTO_SHA256_BYTES], uint64_t length,
		      struct store_object **ret)
{
	if (length > MERKLE_SIZE_MAX_BYTES)
		return -EBADMSG;
	lock_take(&store->lock);
	struct store_object *object = find_locked(store, digest);
	if (object)
		object->refs++;
	lock_drop(&store->lock);

	if (!object) {
		struct store_object *fresh = NULL;
		int r;
		do
			r = open_from_disk(store, digest, length, &fresh);
		while (store_payloads_make_room(&store->payloads, r));
		if (r < 0)
			return r;
		lock_take(&store->lock);
		object = find_locked(store, digest); /* somebody may have been faster */
		if (object)
			object->refs++;
		else
			publish_opened_locked(fresh);
		lock_drop(&store->lock);
		if (object)
			object_free(fresh);
		else
			object = fresh;
	}
	if (object->tree->size_bytes != length) { /* the digest covers the length */
		store_object_unref(object);
		return -EBADMSG;
	}
	*ret = object;
	return 0;
}

static int read_file(int fd, void *buf, size_t len, uint64_t offset)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = io_pread(fd, (char *)buf + done, len - done, offset + done);
		if (got < 0)
			return (int)got;
		if (got == 0) /* cut off since it was opened */
			return -EBADMSG;
		done += (size_t)got;
	}
	return 0;
}

/* Reads blocks and checks them where they will be used. */
static int read_blocks(struct store_object *object, void *buf, size_t len, uint64_t offset)
{
	int r = take_payload(object);
	if (r < 0)
		return r == -ENOENT ? -EBADMSG : r; /* its file is not there any more */
	r = read_file(object->payload.fd, buf, len, offset);
	store_payload_give_back(&object->payload);
	return r < 0 ? r : merkle_tree_check(object->tree, buf, len, offset);
}

/* The part of one block, which is read whole beside the caller's buffer. */
static int read_part(struct store_object *object, void *buf, size_t len, uint64_t offset)
{
	uint8_t block[MERKLE_BLOCK_BYTES];
	size_t skip = (size_t)(offset % MERKLE_BLOCK_BYTES);
	uint64_t start = offset - skip, left = object->tree->size_bytes - start;
	int r = read_blocks(object, block, left < sizeof(block) ? (size_t)left : sizeof(block), start);
	if (r == 0)
		memcpy(buf, block + skip, len);
	return r;
}

/* How much of [offset, offset + len) can be read in one go, and whether in place. */
static size_t next_piece(const struct store_object *object, size_t len, uint64_t offset, bool *ret_in_place)
{
	size_t skip = (size_t)(offset % MERKLE_BLOCK_BYTES);
	bool to_the_end = offset + len == object->tree->size_bytes;
	*ret_in_place = skip == 0 && (len >= MERKLE_BLOCK_BYTES || to_the_end);
	if (*ret_in_place)
		return to_the_end ? len : len - len % MERKLE_BLOCK_BYTES;
	size_t rest = MERKLE_BLOCK_BYTES - skip;
	return len < rest ? len : rest;
}

int store_object_pread(struct store_object *object, void *buf, size_t len, uint64_t offset)
{
	uint64_t end;
	if (!base_add_u64(offset, len, &end) || end > object->tree->size_bytes)
		return -EIO;

	int r = 0;
	for (size_t done = 0; done < len && r == 0;) {
		bool in_place;
		size_t piece = next_piece(object, len - done, offset + done, &in_place);
		char *at = (char *)buf + done;
		r = in_place ? read_blocks(object, at, piece, offset + done)
			     : read_part(object, at, piece, offset + done);
		done += piece;
	}
	if (r < 0)
		memset(buf, 0, len); /* nothing unverified is left for a careless caller */
	return r;
}

static int reader_pread(void *ctx, void *buf, size_t len, uint64_t offset)
{
	return store_object_pread(ctx, buf, len, offset);
}

struct io_reader store_object_reader(struct store_object *object)
{
	return (struct io_reader){.ctx = object, .pread = reader_pread, .size_bytes = object->tree->size_bytes};
}
