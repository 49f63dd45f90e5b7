/* Opening and closing a store: whose it is, whether it is one, who has it. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/text.h"
#include "internal.h"

#define PID_TEXT_SIZE	24
#define SHOWN_PATH_SIZE 300

/* What an opening works on; shown is the path as it may be printed. */
struct opening {
	const struct store_options *options;
	struct store *store;
	struct explain *why;
	char shown[SHOWN_PATH_SIZE];
};

/* With what to do about it; returns r. */
static int failed(const struct opening *opening, const char *what, int r)
{
	char words[ACCESS_WORDS_SIZE];
	explain_set(opening->why, "store %s %s: %s", opening->shown, what,
		    access_words(opening->options->path, r, words));
	return r;
}

static const char *const parts[] = {"staging", "objects", "functions", "layers", "revocations", "audit"};

/* Others cannot get to it, but could once the store itself were open to them. */
static int check_part(const struct opening *opening, const char *part, int fd)
{
	struct stat st;
	char owner[ACCESS_USER_SIZE];
	if (fstat(fd, &st) < 0)
		return -errno;
	bool is_readers = opening->store->read_only;
	if (st.st_uid != geteuid() && !is_readers) {
		explain_set(opening->why,
			    "store %s: %s/ belongs to %s; find out who did that, then `chown %u %s/%s` as root",
			    opening->shown, part, access_user(st.st_uid, owner), geteuid(), opening->shown, part);
		return -EPERM;
	}
	if ((st.st_mode & 077) == 0 || is_readers)
		return 0;
	if (fchmod(fd, 0700) < 0)
		return -errno;
	store_report_damage(opening->store, part, "it was open to others, and was closed (mode 0700)");
	return 0;
}

static int failed_part(const struct opening *opening, const char *part, int r)
{
	char words[ACCESS_WORDS_SIZE];
	explain_set(opening->why, "store %s: %s/ cannot be used: %s", opening->shown, part,
		    access_words(opening->options->path, r, words));
	return r;
}

static int *part_fd(struct store *store, size_t part)
{
	int *const fds[] = {&store->staging_fd, &store->objects_fd,	&store->functions_fd,
			    &store->layers_fd,	&store->revocations_fd, &store->audit_fd};
	_Static_assert(ARRAY_SIZE(fds) == ARRAY_SIZE(parts), "each part has its descriptor");
	return fds[part];
}

static int make_root(const struct opening *opening)
{
	const char *path = opening->options->path;
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	size_t name_at = len;
	while (name_at > 0 && path[name_at - 1] != '/')
		name_at--;

	int fd = -1, r = -ENOMEM;
	char *parent = strndup(path, name_at), *name = strndup(path + name_at, len - name_at);
	if (!parent || !name)
		goto out;
	r = fd = io_open_dir(parent);
	if (fd < 0) {
		char words[ACCESS_WORDS_SIZE];
		explain_set(opening->why,
			    "store %s: the directory it is to be made in cannot be opened (%s); make that first",
			    opening->shown, access_words(parent, r, words));
		goto out;
	}
	r = io_mkdirat(fd, name, 0700);
	if (r == 0 && opening->options->durable)
		r = io_fsync(fd);
	if (r < 0)
		(void)failed(opening, "cannot be made", r);
out:
	io_close(&fd);
	free(parent);
	free(name);
	return r;
}

static int refuse_owner(const struct opening *opening, uid_t uid)
{
	char owner[ACCESS_USER_SIZE], self[ACCESS_USER_SIZE];
	if (opening->store->read_only) {
		explain_set(opening->why,
			    "store %s belongs to %s, and this process runs as %s; look as its owner, or as root",
			    opening->shown, access_user(uid, owner), access_user(geteuid(), self));
		return -EPERM;
	}
	explain_set(
		opening->why,
		"store %s belongs to %s, and this process runs as %s; `chown -R %u %s` as root gives it over, or run "
		"as its owner (user = in [vouchfs])",
		opening->shown, access_user(uid, owner), access_user(geteuid(), self), geteuid(), opening->shown);
	return -EPERM;
}

static int open_root(const struct opening *opening)
{
	struct store *store = opening->store;
	const char *path = opening->options->path;
	if (path[0] != '/') {
		explain_set(opening->why, "store %s: an absolute path is needed", opening->shown);
		return -EINVAL;
	}
	int r = io_open_dir(path);
	if (r == -ENOENT && opening->options->create && !store->read_only) {
		r = make_root(opening);
		if (r < 0)
			return r;
		r = io_open_dir(path);
	}
	struct stat st;
	if (r == -EACCES && stat(path, &st) == 0 && st.st_uid != geteuid())
		return refuse_owner(opening, st.st_uid);
	if (r < 0)
		return failed(opening, "cannot be opened", r);
	store->root_fd = r;
	return 0;
}

static int check_owner(const struct opening *opening)
{
	struct stat st;
	if (fstat(opening->store->root_fd, &st) < 0)
		return -errno;
	bool may_look = opening->store->read_only && geteuid() == 0;
	if (st.st_uid != geteuid() && !may_look)
		return refuse_owner(opening, st.st_uid);
	if ((st.st_mode & 077) != 0) {
		explain_set(opening->why,
			    "store %s is open to others (mode %04o), who could read or change what is served; "
			    "`chmod 0700 %s` closes it",
			    opening->shown, st.st_mode & 07777, opening->shown);
		return -EPERM;
	}
	return 0;
}

static bool is_part(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strcmp(name, parts[i]) == 0)
			return true;
	return strcmp(name, "lock") == 0 || strcmp(name, "known") == 0;
}

/* Without a format file it is a store only if it is empty, or was being made. */
static int check_unfinished(const struct opening *opening)
{
	struct io_names names = {0};
	int r = io_list_dir(opening->store->root_fd, ".", &names);
	bool ours = opening->options->create && !opening->store->read_only;
	for (size_t i = 0; i < names.count; i++)
		ours = ours && is_part(names.names[i]);
	io_names_done(&names);
	if (r == 0 && !ours) {
		explain_set(opening->why, "%s is not a store: it has no file \"format\"; name an empty directory",
			    opening->shown);
		r = -EBADMSG;
	}
	return r;
}

static int check_format(const struct opening *opening, bool *ret_is_new)
{
	int r = store_format_check(opening->store->root_fd, opening->shown, opening->why);
	*ret_is_new = r == -ENOENT;
	return r == -ENOENT ? check_unfinished(opening) : r;
}

/* Who has it, as far as the lock file tells. */
static void explain_busy(const struct opening *opening)
{
	struct buf text = {0};
	uint64_t pid;
	(void)io_read_file(opening->store->root_fd, "lock", PID_TEXT_SIZE, &text);
	if (text.len > 0 && text_parse_u64(text.data, text.len - 1, INT32_MAX, &pid))
		explain_set(opening->why,
			    "store %s is in use by process %d, which serves it for another mount; a store has one: "
			    "unmount that (`ps -fp %d` shows it), or give this configuration a store of its own",
			    opening->shown, (int)pid, (int)pid);
	else
		explain_set(opening->why,
			    "store %s is in use by another process; stop that, or give this configuration a store of "
			    "its own",
			    opening->shown);
	buf_done(&text);
}

static int take_lock(const struct opening *opening)
{
	struct store *store = opening->store;
	char pid[PID_TEXT_SIZE];
	int r = store->lock_fd = io_openat(store->root_fd, "lock", O_RDWR | O_CREAT | O_NONBLOCK, 0600);
	if (r >= 0)
		r = io_lock(store->lock_fd);
	if (r == 0) /* also when somebody has removed or replaced the file */
		r = io_lock(store->root_fd);
	if (r == -EBUSY) {
		explain_busy(opening);
		return r;
	}
	if (r == 0)
		r = io_ftruncate(store->lock_fd, 0);
	int len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (r == 0)
		r = io_pwrite_full(store->lock_fd, pid, (size_t)len, 0);
	return r < 0 ? failed(opening, "cannot be locked for writing", r) : 0;
}

/* What the first stores did not have yet: made when it is missing, done without when only looking. */
static bool is_late_part(const char *part)
{
	return strcmp(part, "layers") == 0;
}

/* format is written last: what has it is a whole store. */
static int open_parts(const struct opening *opening, bool is_new)
{
	struct store *store = opening->store;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		bool is_made = !store->read_only && (is_new || is_late_part(parts[i]));
		int fd = is_made ? store_ensure_dir(store, store->root_fd, parts[i])
				 : io_open_dirat(store->root_fd, parts[i]);
		if (fd == -ENOENT && store->read_only && is_late_part(parts[i]))
			continue;
		if (fd < 0)
			return failed_part(opening, parts[i], fd);
		*part_fd(store, i) = fd;
		int r = check_part(opening, parts[i], fd);
		if (r < 0)
			return opening->why->text[0] ? r : failed_part(opening, parts[i], r);
	}
	if (!is_new)
		return 0;
	int r = store_format_write(store);
	return r < 0 ? failed(opening, "cannot be made", r) : 0;
}

static int recover(const struct opening *opening)
{
	if (opening->store->read_only)
		return 0;
	int r = store_recover(opening->store);
	return r < 0 ? failed(opening, "cannot be recovered", r) : 0;
}

static int check_known(const struct opening *opening)
{
	int r = store_check_known(opening->store);
	return r < 0 ? failed_part(opening, "known", r) : 0;
}

static int open_in_order(const struct opening *opening)
{
	bool is_new;
	int r = open_root(opening);
	if (r == 0)
		r = check_owner(opening);
	if (r == 0)
		r = check_format(opening, &is_new);
	if (r == 0 && !opening->store->read_only)
		r = take_lock(opening);
	if (r == 0)
		r = open_parts(opening, is_new);
	if (r == 0) /* a store that was set back is refused as it lies */
		r = store_load_counters(opening->store, opening->options->anchor, opening->why);
	if (r == 0)
		r = recover(opening);
	if (r == 0 && !opening->store->read_only)
		r = check_known(opening);
	return r;
}

/* What lies there is of nobody any more: whoever has the lock has no stage yet. */
static int empty_staging(const struct store *store)
{
	struct io_names names;
	int r = io_list_dir(store->staging_fd, ".", &names);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count; i++)
		(void)io_unlinkat(store->staging_fd, names.names[i], 0);
	io_names_done(&names);
	return 0;
}

static int open_staging(const struct opening *opening)
{
	struct store *store = opening->store;
	store->is_staging_only = true;
	int r = open_root(opening);
	if (r == 0)
		r = check_owner(opening);
	if (r == 0)
		r = take_lock(opening);
	if (r < 0)
		return r;
	r = store->staging_fd = store_ensure_dir(store, store->root_fd, parts[0]);
	if (r >= 0)
		r = empty_staging(store);
	return r < 0 ? failed_part(opening, parts[0], r) : 0;
}

static struct store *new_store(const struct store_options *options)
{
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return NULL;
	store->durable = options->durable;
	store->sum = options->sum;
	store->read_only = options->read_only;
	store->root_fd = store->lock_fd = store->anchor_dirfd = store->known_fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		*part_fd(store, i) = -1;
	lock_init(&store->lock);
	lock_init(&store->counters_lock);
	store_damage_init(&store->damage);
	store_helpers_init(&store->helpers);
	store_payloads_init(&store->payloads);
	return store;
}

static int open_with(const struct store_options *options, int (*open_what)(const struct opening *opening),
		     struct store **ret, struct explain *ret_why)
{
	struct store *store = new_store(options);
	if (!store)
		return -ENOMEM;
	struct opening opening = {.options = options, .store = store, .why = ret_why};
	text_escape_print(opening.shown, sizeof(opening.shown), options->path, strlen(options->path));
	int r = open_what(&opening);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

int store_open(const struct store_options *options, struct store **ret, struct explain *ret_why)
{
	return open_with(options, open_in_order, ret, ret_why);
}

int store_open_staging(const char *path, struct store **ret, struct explain *ret_why)
{
	const struct store_options options = {.path = path, .create = true, .durable = true};
	return open_with(&options, open_staging, ret, ret_why);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < STORE_OBJECT_BUCKETS; i++)
		ASSERT(!store->objects[i]); /* an object outlives its store */
	store_payloads_done(&store->payloads);
	store_helpers_done(&store->helpers);
	store_intent_free_all(store);
	store_damage_done(&store->damage);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		io_close(part_fd(store, i));
	io_close(&store->anchor_dirfd);
	io_close(&store->known_fd);
	io_close(&store->root_fd);
	io_close(&store->lock_fd); /* gives the lock back, so it goes last */
	free(store->anchor_name);
	lock_done(&store->counters_lock);
	lock_done(&store->lock);
	free(store);
}

int store_audit_dirfd(const struct store *store)
{
	return store->audit_fd;
}

int store_statvfs(const struct store *store, struct statvfs *ret)
{
	return io_fstatvfs(store->root_fd, ret);
}
