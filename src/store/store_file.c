/* Private files in staging/ and the way they get their final names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "internal.h"

#define FILE_MODE   0400
#define RANDOM_SIZE 17

static void make_name(char ret[STORE_NAME_SIZE])
{
	char random[RANDOM_SIZE];
	random_alphanumeric(random, RANDOM_SIZE - 1);
	(void)snprintf(ret, STORE_NAME_SIZE, "file.%s", random);
}

static int open_new(struct store *store, struct store_file *ret)
{
	struct store_file file = {.name = ""};
	file.fd = io_open_unnamed(store->staging_fd, FILE_MODE);
	if (file.fd == -EOPNOTSUPP || file.fd == -EISDIR) { /* not every filesystem has nameless files */
		make_name(file.name);
		file.fd = io_openat(store->staging_fd, file.name, O_RDWR | O_CREAT | O_EXCL, FILE_MODE);
	}
	if (file.fd < 0)
		return file.fd;
	*ret = file;
	return 0;
}

int store_file_new(struct store *store, struct store_file *ret)
{
	int r;
	do
		r = open_new(store, ret);
	while (store_payloads_make_room(&store->payloads, r));
	if (r == -EMFILE || r == -ENFILE)
		log_warning("store: no new file: %s; " LIMIT_DESCRIPTORS_REMEDY, strerror(-r));
	return r;
}

/* In staging/, where it has none yet. */
static int ensure_name(struct store *store, struct store_file *file)
{
	if (file->name[0] != '\0')
		return 0;
	char staged[STORE_NAME_SIZE];
	make_name(staged);
	int r = io_link_unnamed(file->fd, store->staging_fd, staged);
	if (r == 0)
		memcpy(file->name, staged, sizeof(staged));
	return r;
}

static bool is_file(int dirfd, const char *name)
{
	struct stat st;
	return io_statat(dirfd, name, &st) == 0 && S_ISREG(st.st_mode);
}

/* In place of the file that has the name: it is exchanged, so that ext4 writes nothing to the disk for it. */
static int replace(struct store *store, struct store_file *file, int dirfd, const char *name)
{
	int r = is_file(dirfd, name) ? io_exchangeat(store->staging_fd, file->name, dirfd, name) : -ENOENT;
	if (r == 0)
		(void)io_unlinkat(store->staging_fd, file->name, 0); /* else swept at the next open */
	if (r == -EINVAL || r == -ENOSYS || r == -ENOENT)
		r = io_renameat(store->staging_fd, file->name, dirfd, name);
	return r;
}

int store_file_place(struct store *store, struct store_file *file, int dirfd, const char *name)
{
	if (file->name[0] == '\0') {
		int r = io_link_unnamed(file->fd, dirfd, name);
		if (r != -EEXIST)
			return r;
	}
	int r = ensure_name(store, file); /* a link replaces nothing */
	if (r == 0)
		r = replace(store, file, dirfd, name);
	if (r == 0)
		file->name[0] = '\0';
	return r;
}

void store_file_drop(struct store *store, struct store_file *file)
{
	if (file->name[0] != '\0')
		(void)io_unlinkat(store->staging_fd, file->name, 0); /* else swept at the next open */
	file->name[0] = '\0';
	io_close(&file->fd);
}

int store_sync(const struct store *store, int fd)
{
	return store->durable ? io_fsync(fd) : 0;
}

static int place_bytes(struct store *store, int dirfd, const char *name, const void *bytes, size_t len, bool synced)
{
	struct store_file file;
	bool late = synced && io_has_bug("rename-before-fsync");
	int r = store_file_new(store, &file);
	if (r < 0)
		return r;
	r = io_write_full(file.fd, bytes, len);
	if (r == 0 && synced && !late)
		r = store_sync(store, file.fd);
	if (r == 0)
		r = store_file_place(store, &file, dirfd, name);
	if (r == 0 && late)
		r = store_sync(store, file.fd);
	store_file_drop(store, &file);
	return r;
}

int store_place_bytes(struct store *store, int dirfd, const char *name, const void *bytes, size_t len)
{
	return place_bytes(store, dirfd, name, bytes, len, true);
}

int store_show_bytes(struct store *store, int dirfd, const char *name, const void *bytes, size_t len)
{
	return place_bytes(store, dirfd, name, bytes, len, false);
}

int store_write_file(struct store *store, int dirfd, const char *name, const void *bytes, size_t len)
{
	int r = store_place_bytes(store, dirfd, name, bytes, len);
	return r < 0 ? r : store_sync(store, dirfd);
}

int store_ensure_dir(struct store *store, int dirfd, const char *name)
{
	int fd = io_open_dirat(dirfd, name);
	if (fd != -ENOENT)
		return fd;
	int r = io_mkdirat(dirfd, name, 0700);
	if (r == 0)
		r = store_sync(store, dirfd);
	return r < 0 ? r : io_open_dirat(dirfd, name);
}

bool store_is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return name[0] != '.' && text_consists_of(name, strlen(name), allowed, 1, LIMIT_FUNCTION_NAME_BYTES);
}
