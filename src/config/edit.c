/*
 * edit.c - conf.d under its lock. The lock is a file that only its owner can open, so nobody else can hold it; like
 * every file that begins with a dot it is none of the drop-ins.
 */
#include "config/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/policy.h"

#define LOCK_NAME ".lock"
#define DIR_MODE  0755
#define FILE_MODE 0644

struct config_edit {
	char *path; /* of the main file */
	int dirfd;  /* conf.d */
	int lock_fd;
	const struct config_members *bundle;
	struct config *config;
	bool is_changed;
	char name[CONFIG_EDIT_NAME_SIZE]; /* of the file that was changed */
	char *before;			  /* what it held; NULL: it was not there */
};

static int failed(struct explain *why, int r, const char *what)
{
	if (r == -EPERM || r == -EROFS)
		r = -EACCES;
	explain_set(why, "%s: %s", what, strerror(-r));
	return r;
}

/* ---- opening ---- */

/* Others read what commands write, the daemon among them: the caller's umask is left out. */
static mode_t open_umask(void)
{
	return umask(022);
}

static int open_conf_d(const char *path, struct explain *why)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!directory)
		return -ENOMEM;
	int fd = -1, parent = io_open_dir(directory);
	int r = parent < 0 ? parent : 0;
	if (r == 0)
		r = fd = io_open_dirat(parent, CONFIG_CONF_D);
	if (fd == -ENOENT) {
		mode_t mask = open_umask();
		r = io_mkdirat(parent, CONFIG_CONF_D, DIR_MODE);
		(void)umask(mask);
		if (r == 0)
			r = fd = io_open_dirat(parent, CONFIG_CONF_D);
	}
	io_close(&parent);
	free(directory);
	if (r < 0)
		return failed(why, r, CONFIG_CONF_D " beside the configuration");
	return fd;
}

static int wait_for_lock(int dirfd, int *ret_fd)
{
	int fd = io_openat(dirfd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	struct stat dir;
	int r;
	do
		r = flock(fd, LOCK_EX) < 0 ? -errno : 0;
	while (r == -EINTR);
	/* what root makes in somebody's directory must not lock him out */
	if (r == 0 && geteuid() == 0 && fstat(dirfd, &dir) == 0 && fchown(fd, dir.st_uid, (gid_t)-1) < 0)
		r = -errno;
	if (r < 0)
		io_close(&fd);
	else
		*ret_fd = fd;
	return r;
}

static int load(struct config_edit *edit, struct buf *ret_errors)
{
	struct config *config = NULL;
	int r = config_load_governed(edit->path, edit->bundle, &config, ret_errors);
	if (r < 0)
		return r;
	config_free(edit->config);
	edit->config = config;
	return 0;
}

int config_edit_open(const char *path, const struct config_members *bundle, struct config_edit **ret,
		     struct buf *ret_errors, struct explain *ret_why)
{
	struct config_edit *edit = calloc(1, sizeof(*edit));
	int r = -ENOMEM;
	if (!edit)
		return r;
	edit->dirfd = edit->lock_fd = -1;
	edit->path = strdup(path);
	edit->bundle = bundle;
	if (!edit->path)
		goto out;
	r = edit->dirfd = open_conf_d(path, ret_why);
	if (r < 0)
		goto out;
	r = faccessat(edit->dirfd, ".", W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
	if (r == 0)
		r = wait_for_lock(edit->dirfd, &edit->lock_fd);
	if (r < 0) {
		r = failed(ret_why, r, CONFIG_CONF_D " beside the configuration");
		goto out;
	}
	r = load(edit, ret_errors);
	if (r < 0)
		goto out;
	*ret = edit;
	edit = NULL;
out:
	config_edit_close(edit);
	return r;
}

void config_edit_close(struct config_edit *edit)
{
	if (!edit)
		return;
	config_free(edit->config);
	io_close(&edit->lock_fd);
	io_close(&edit->dirfd);
	free(edit->before);
	free(edit->path);
	free(edit);
}

const struct config *config_edit_config(const struct config_edit *edit)
{
	return edit->config;
}

/* ---- files ---- */

/* The file's bytes (free), or NULL where there is none. A file with a NUL in it is cut there: it is none of ours. */
static int read_file(const struct config_edit *edit, const char *name, char **ret)
{
	struct buf bytes = {0};
	int r = io_read_file(edit->dirfd, name, LIMIT_CONFIG_FILE_BYTES, &bytes);
	if (r == 0) {
		*ret = buf_steal(&bytes);
		r = *ret ? 0 : -ENOMEM;
	} else if (r == -ENOENT) {
		*ret = NULL;
		r = 0;
	}
	buf_done(&bytes);
	return r;
}

static int write_file(const struct config_edit *edit, const char *name, const char *text)
{
	if (!text) {
		int r = io_unlinkat(edit->dirfd, name, 0);
		return r < 0 ? r : io_fsync(edit->dirfd);
	}
	mode_t mask = open_umask();
	int r = io_write_file(edit->dirfd, name, text, strlen(text), FILE_MODE, true);
	(void)umask(mask);
	return r;
}

bool config_edit_is_ours(const struct config_edit *edit, const char *section, const struct config_origin *origin)
{
	char name[CONFIG_EDIT_NAME_SIZE], *file = NULL;
	config_edit_name(section, name);
	const char *slash = strrchr(origin->file, '/');
	if (!origin->in_conf_d || origin->is_split || strcmp(slash ? slash + 1 : origin->file, name) != 0)
		return false;
	bool ours = read_file(edit, name, &file) == 0 && file && config_edit_is_mine(file, section);
	free(file);
	return ours;
}

/* ---- changing ---- */

/* The first of the errors, without the newline. */
static void explain_first(const struct buf *errors, struct explain *why)
{
	int len = errors->data ? (int)strcspn(errors->data, "\n") : 0;
	explain_set(why, "%.*s", len, errors->data ? errors->data : "");
}

/* What the file would say is the host's to say. */
static int check_in_force(const struct config *config, const char *name, struct explain *why)
{
	for (size_t i = 0; i < config->override_count; i++) {
		const struct config_override *override = &config->overrides[i];
		if (!override->in_conf_d || strcmp(strrchr(override->path, '/') + 1, name) != 0)
			continue;
		if (!config_is_governed(config, override->section, why))
			explain_set(why, "%s", override->text);
		return -EPERM;
	}
	return 0;
}

/* text NULL: the file goes. Takes *before over once the change is made. */
static int change(struct config_edit *edit, const char *name, const char *text, char **before, struct buf *ret_errors,
		  struct explain *why)
{
	const struct config_change wanted = {.name = name, .text = text, .len = text ? strlen(text) : 0};
	struct config *config = NULL;
	ASSERT(!edit->is_changed);

	int r = config_load_changed(edit->path, &wanted, edit->bundle, &config, ret_errors);
	if (r < 0)
		explain_first(ret_errors, why);
	else
		r = check_in_force(config, name, why);
	config_free(config);
	if (r < 0)
		return r;
	r = write_file(edit, name, text);
	if (r < 0) {
		(void)write_file(edit, name, *before); /* it may be there, and only not be durable */
		return failed(why, r, name);
	}
	edit->is_changed = true;
	memcpy(edit->name, name, sizeof(edit->name));
	edit->before = *before;
	*before = NULL;
	r = load(edit, ret_errors);
	if (r < 0) {
		(void)config_edit_undo(edit, NULL);
		explain_first(ret_errors, why);
	}
	return r;
}

int config_edit_put(struct config_edit *edit, const struct config_section_text *text, struct buf *ret_errors,
		    struct explain *ret_why)
{
	char name[CONFIG_EDIT_NAME_SIZE], *before = NULL;
	struct buf after = {0};
	config_edit_name(text->section, name);
	int r = read_file(edit, name, &before);
	if (r < 0) {
		r = failed(ret_why, r, name);
		goto out;
	}
	if (before && !config_edit_is_mine(before, text->section)) {
		explain_set(ret_why, CONFIG_CONF_D "/%s is there, and no command wrote it; rename it", name);
		r = -EEXIST;
		goto out;
	}
	r = config_edit_render(text, before, &after, ret_why);
	if (r == 0)
		r = change(edit, name, after.data, &before, ret_errors, ret_why);
out:
	free(before);
	buf_done(&after);
	return r;
}

int config_edit_remove(struct config_edit *edit, const char *section, struct buf *ret_errors, struct explain *ret_why)
{
	char name[CONFIG_EDIT_NAME_SIZE], *before = NULL;
	config_edit_name(section, name);
	int r = read_file(edit, name, &before);
	if (r < 0)
		r = failed(ret_why, r, name);
	else
		r = change(edit, name, NULL, &before, ret_errors, ret_why);
	free(before);
	return r;
}

int config_edit_undo(struct config_edit *edit, struct explain *ret_why)
{
	if (!edit->is_changed)
		return 0;
	int r = write_file(edit, edit->name, edit->before);
	if (r < 0)
		return failed(ret_why, r, edit->name);
	edit->is_changed = false;
	free(edit->before);
	edit->before = NULL;
	return 0;
}
