/* A signing service's life: open, sweep, drain, close; and the table of its operations. */
#include "signing/signing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/io.h"
#include "internal.h"

/* ---- open and close ---- */

/* A hand-in keeps a descriptor, and so does whoever reads what was signed: at most a half and a quarter. */
static void share_descriptors(struct signing *signing)
{
	struct rlimit limit;
	bool is_known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 2 <= UINT32_MAX;
	signing->handin_max = is_known ? (unsigned)(limit.rlim_cur / 2) : UINT32_MAX;
	signing->reader_max = is_known ? (unsigned)(limit.rlim_cur / 4) : UINT32_MAX;
}

int signing_open_directory(int parent, const char *name)
{
	int fd = io_open_dirat(parent, name);
	if (fd != -ENOENT)
		return fd;
	int r = io_mkdirat(parent, name, 0700);
	if (r == 0)
		r = io_fsync(parent);
	return r < 0 ? r : io_open_dirat(parent, name);
}

static bool is_profile_name(const char *name)
{
	return arn_is_profile_name(name, strlen(name));
}

/* Slots that a daemon before had come first, and have the indexes that they had. */
static int add_left(struct signing *signing)
{
	char name[TREE_NAME_SIZE];
	int r = 0;
	lock_take(&signing->lock);
	for (size_t i = 0; r == 0 && i < tree_names_left_count(signing->names); i++) {
		struct signing_slot *slot;
		bool unused;
		r = signing_add_slot_locked(signing, tree_names_left(signing->names, i, name, &unused), &slot);
	}
	lock_drop(&signing->lock);
	tree_names_drop_left(signing->names);
	return r;
}

static int open_names(struct signing *signing, const struct tree_memory *memory)
{
	int r = tree_names_open(memory, is_profile_name, &signing->names);
	if (r < 0)
		return r;
	signing->next_node = tree_names_first_node(signing->names);
	signing->first_index = tree_names_first_index(signing->names);
	return add_left(signing);
}

static int open_service(struct signing *signing, const char *path, struct explain *why)
{
	int r = store_open_staging(path, &signing->staging, why);
	if (r < 0)
		return r;
	int fd = io_open_dir(path);
	r = fd;
	if (r >= 0)
		r = signing->results_fd = signing_open_directory(fd, "results");
	if (r >= 0)
		r = signing->notes_fd = signing_open_directory(fd, "notes");
	if (r >= 0)
		r = result_load_all(signing);
	if (r < 0)
		explain_set(why, "the results in the signer's home cannot be read: %s", strerror(-r));
	io_close(&fd);
	return r;
}

static void close_signing(void *tree)
{
	struct signing *signing = tree;
	if (!signing)
		return;
	signing_free_nodes(signing);
	for (size_t i = 0; i < signing->slot_count; i++)
		signing_free_slot(signing->slots[i]);
	free(signing->slots);
	tree_names_free(signing->names);
	io_close(&signing->results_fd);
	io_close(&signing->notes_fd);
	store_close(signing->staging);
	signer_close(signing->signer);
	(void)pthread_cond_destroy(&signing->idle);
	lock_done(&signing->lock);
	free(signing);
}

static struct signing *new_signing(void)
{
	struct signing *signing = calloc(1, sizeof(*signing));
	if (!signing)
		return NULL;
	*signing = (struct signing){
		.results_fd = -1,
		.notes_fd = -1,
		.started = clock_now(),
	};
	share_descriptors(signing);
	lock_init(&signing->lock);
	ASSERT(pthread_cond_init(&signing->idle, NULL) == 0);
	return signing;
}

int signing_open(const char *home, const struct tree_memory *memory, struct signing **ret, struct buf *ret_errors)
{
	struct explain why = {0};
	char *path = NULL;
	struct signing *signing = new_signing();
	int r = signing && asprintf(&path, "%s/service", home) > 0 ? 0 : -ENOMEM;
	if (r == 0)
		r = signer_open(home, &signing->signer, &why);
	if (r == 0)
		r = open_names(signing, memory ? memory : &(struct tree_memory){0});
	if (r == 0)
		r = open_service(signing, path, &why);
	free(path);
	if (r == 0) {
		tree_names_begin(signing->names);
		*ret = signing;
		return 0;
	}
	close_signing(signing);
	(void)buf_printf(ret_errors, "%s\n", why.text[0] ? why.text : strerror(-r));
	return r;
}

bool signing_uses_tokens(const char *home)
{
	return signer_uses_tokens(home);
}

/* ---- what is under way ---- */

int signing_begin(struct signing *signing)
{
	lock_take(&signing->lock);
	int r = signing->draining ? -ESHUTDOWN : 0;
	signing->busy += r == 0;
	lock_drop(&signing->lock);
	return r;
}

void signing_end(struct signing *signing)
{
	lock_take(&signing->lock);
	ASSERT(signing->busy > 0);
	if (--signing->busy == 0)
		ASSERT(pthread_cond_broadcast(&signing->idle) == 0);
	lock_drop(&signing->lock);
}

bool signing_is_draining(struct signing *signing)
{
	lock_take(&signing->lock);
	bool draining = signing->draining;
	lock_drop(&signing->lock);
	return draining;
}

static void drain(void *tree)
{
	struct signing *signing = tree;
	lock_take(&signing->lock);
	signing->draining = true;
	while (signing->busy > 0)
		ASSERT(pthread_cond_wait(&signing->idle, &signing->lock) == 0);
	lock_drop(&signing->lock);
}

static void hand_over(void *tree)
{
	tree_names_hand_over(((struct signing *)tree)->names);
}

static uint64_t sweep(void *tree)
{
	uint64_t staging_ms = signing_sweep_staging(tree), results_ms = result_sweep(tree);
	return staging_ms < results_ms ? staging_ms : results_ms;
}

/* Permissions, principals and profiles are read whenever they are needed; all there is to do is say what is wrong. */
static int reload(void *tree, struct buf *ret_errors)
{
	struct signing *signing = tree;
	struct signer_caller caller;
	struct explain why = {0};
	int r = signer_identify(signing->signer, (uid_t)-2, NULL, NULL, &caller, &why);
	if (r < 0)
		(void)buf_printf(ret_errors, "%s\n", why.text[0] ? why.text : strerror(-r));
	return r < 0 && r != -ENOMEM ? -EINVAL : r;
}

static int stat_filesystem(void *tree, struct statvfs *ret)
{
	return store_statvfs(((struct signing *)tree)->staging, ret);
}

/* ---- the table ---- */

static void forget(void *tree, uint64_t node, uint64_t count)
{
	struct signing *signing = tree;
	struct handin *handin = NULL;
	lock_take(&signing->lock);
	struct signing_node *found = signing_node_find_locked(signing, node);
	if (found) {
		found->lookups -= count < found->lookups ? count : found->lookups;
		handin = signing_node_settle_locked(found);
	}
	lock_drop(&signing->lock);
	handin_put(handin);
}

/* Of all else who looks decides what is there, so the kernel keeps nothing. */
static bool is_fixed(uint64_t node)
{
	return node == SIGNING_ROOT || node == SIGNING_CONTROL || node == SIGNING_WHY;
}

static int read_link(void *tree UNUSED, uint64_t node UNUSED, struct buf *ret UNUSED)
{
	return -EINVAL;
}

static int sync_file(struct tree_handle *handle UNUSED)
{
	return 0; /* what is signed is durable when close returns; what is not need not be */
}

const struct tree_ops signing_tree_ops = {
	.lookup = signing_lookup,
	.forget = forget,
	.is_fixed = is_fixed,
	.getattr = signing_getattr,
	.setattr = signing_setattr,
	.readlink = read_link,
	.create = signing_create,
	.open = signing_open_node,
	.read = signing_read,
	.write = signing_write,
	.flush = signing_flush,
	.fsync = sync_file,
	.release = signing_release,
	.opendir = signing_opendir,
	.readdir = signing_readdir,
	.mkdir = signing_mkdir,
	.rmdir = signing_rmdir,
	.unlink = signing_unlink,
	.rename = signing_rename,
	.getxattr = signing_getxattr,
	.listxattr = signing_listxattr,
	.statfs = stat_filesystem,
	.hand_over = hand_over,
	.sweep = sweep,
	.drain = drain,
	.reload = reload,
	.close = close_signing,
};
