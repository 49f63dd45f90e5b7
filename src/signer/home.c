/* The home: where it is, who may read it, its lock and its files. */
#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"
#include "record.h"

const char *signer_error_name(int error)
{
	switch (error) {
	case -ENOENT:
		return "ResourceNotFoundException";
	case -EINVAL:
		return "ValidationException";
	case -EACCES:
	case -EPERM:
		return "AccessDeniedException";
	case -EEXIST:
		return "ConflictException";
	case -E2BIG:
		return "ServiceLimitExceededException";
	case -ENFILE:
		return "TooManyRequestsException";
	default:
		return "InternalServiceErrorException";
	}
}

char *signer_default_home(void)
{
	static const char name[] = "vouchfs-signer";
	const char *given = getenv("VOUCHFS_SIGNER_HOME");
	if (given && *given)
		return strdup(given);
	if (geteuid() == 0)
		return strdup("/var/lib/vouchfs-signer");

	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int len = data && *data == '/' ? asprintf(&path, "%s/%s", data, name)
				       : asprintf(&path, "%s/.local/share/%s", home ? home : "", name);
	return len < 0 ? NULL : path;
}

const char *home_printable(const char *path, char escaped[HOME_PRINTABLE_SIZE])
{
	return text_escape_print(escaped, HOME_PRINTABLE_SIZE, path, strlen(path));
}

int home_refuse(struct explain *why, int error, const char *format, ...)
{
	char text[EXPLAIN_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	explain_set(why, "%s", text);
	return error;
}

int home_failed(struct explain *why, int error, const char *format, ...)
{
	char text[EXPLAIN_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	explain_set(why, "%s: %s", text, strerror(-error));
	return error;
}

int home_open_dir(const char *path, int *ret_fd, struct explain *ret_why)
{
	char printable[HOME_PRINTABLE_SIZE];
	(void)home_printable(path, printable);

	int fd = io_open_dir(path);
	if (fd == -ENOENT)
		return home_refuse(ret_why, -ENOENT,
				   "there is no signing account in %s; make one with: vouchfs signer create-account "
				   "--account-id ID",
				   printable);
	if (fd < 0)
		return home_failed(ret_why, fd, "the signer's home %s cannot be opened", printable);

	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r < 0)
		r = home_failed(ret_why, r, "the signer's home %s", printable);
	else if (st.st_uid != geteuid())
		r = home_refuse(ret_why, -EACCES, "the signer's home %s belongs to user id %u; run this as that user",
				printable, (unsigned)st.st_uid);
	else if (st.st_mode & 077)
		r = home_refuse(ret_why, -EACCES,
				"the signer's home %s is open to others (mode %04o), and it holds keys; close it with: "
				"chmod 700 %s",
				printable, (unsigned)st.st_mode & 07777, printable);
	if (r < 0)
		io_close(&fd);
	else
		*ret_fd = fd;
	return r;
}

int home_lock(const struct signer *signer, const char *name, int *ret_fd, struct explain *ret_why)
{
	int fd = io_openat(signer->fd, name, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		return home_failed(ret_why, fd, "the lock of the signer's home");
	int r;
	do
		r = flock(fd, LOCK_EX) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r < 0) {
		io_close(&fd);
		return home_failed(ret_why, r, "the lock of the signer's home");
	}
	*ret_fd = fd;
	return 0;
}

int home_make_dir(const struct signer *signer, const char *name, struct explain *ret_why)
{
	int r = io_mkdirat(signer->fd, name, 0700);
	if (r < 0)
		return home_failed(ret_why, r, "%s in the signer's home cannot be made", name);

	char parent[HOME_PATH_SIZE];
	(void)snprintf(parent, sizeof(parent), "%s", name);
	char *slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	int fd = io_open_dirat(signer->fd, slash ? parent : ".");
	r = fd < 0 ? fd : io_fsync(fd);
	io_close(&fd);
	return r < 0 ? home_failed(ret_why, r, "%s in the signer's home cannot be made", name) : 0;
}

int home_write(const struct signer *signer, const char *name, const struct buf *content, struct explain *ret_why)
{
	int r = io_write_file(signer->fd, name, content->data, content->len, 0600, true);
	return r < 0 ? home_failed(ret_why, r, "%s in the signer's home cannot be written", name) : 0;
}

/* For a command that can be copied; relative to the home where /proc is missing. */
static const char *full_path(const struct signer *signer, const char *name, char ret[HOME_PRINTABLE_SIZE])
{
	char link[32], path[PATH_MAX], full[PATH_MAX + HOME_PATH_SIZE];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", signer->fd);
	ssize_t len = readlink(link, path, sizeof(path));
	(void)snprintf(full, sizeof(full), "%.*s%s%s", len < 0 ? 0 : (int)len, path, len < 0 ? "" : "/", name);
	return home_printable(full, ret);
}

/* Keys and profiles belong to the home's owner, and nobody else comes near them. */
static int check_private(const struct signer *signer, const char *name, const struct stat *st, struct explain *ret_why)
{
	char printable[HOME_PRINTABLE_SIZE];
	struct stat home;
	if (fstat(signer->fd, &home) < 0)
		return home_failed(ret_why, -errno, "the signer's home");
	if (st->st_uid != home.st_uid)
		return home_refuse(ret_why, -EACCES,
				   "%s in the signer's home belongs to user id %u, and the home to %u; give it back "
				   "with: chown %u %s",
				   name, (unsigned)st->st_uid, (unsigned)home.st_uid, (unsigned)home.st_uid,
				   full_path(signer, name, printable));
	if (st->st_mode & 077)
		return home_refuse(ret_why, -EACCES,
				   "%s in the signer's home is open to others (mode %04o); close it with: chmod %s %s",
				   name, (unsigned)st->st_mode & 07777, S_ISDIR(st->st_mode) ? "700" : "600",
				   full_path(signer, name, printable));
	return 0;
}

int home_check_dir(const struct signer *signer, const char *name, struct explain *ret_why)
{
	struct stat st;
	int fd = io_open_dirat(signer->fd, name);
	if (fd == -ENOENT)
		return fd;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
	if (r < 0)
		r = home_failed(ret_why, r, "%s in the signer's home cannot be opened", name);
	else
		r = check_private(signer, name, &st, ret_why);
	io_close(&fd);
	return r;
}

static int read_checked(const struct signer *signer, const char *name, size_t max, bool is_secret, struct buf *ret,
			struct explain *ret_why)
{
	int fd = io_openat(signer->fd, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -ENOENT)
		return fd;
	struct stat st;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
	bool is_refused = r == 0 && is_secret && check_private(signer, name, &st, ret_why) < 0;
	if (is_refused)
		r = -EACCES;
	else if (r == 0)
		r = io_read_fd(fd, max, ret);
	if (r < 0 && !is_refused)
		r = home_failed(ret_why, r == -EINVAL ? -EIO : r, "%s in the signer's home cannot be read", name);
	io_close(&fd);
	return r;
}

int home_read(const struct signer *signer, const char *name, size_t max, struct buf *ret, struct explain *ret_why)
{
	return read_checked(signer, name, max, false, ret, ret_why);
}

int home_read_secret(const struct signer *signer, const char *name, struct buf *ret, struct explain *ret_why)
{
	int r = read_checked(signer, name, LIMIT_PEM_FILE_BYTES, true, ret, ret_why);
	return r == -ENOENT ? home_refuse(ret_why, -EIO, "%s is missing in the signer's home; restore it from a backup",
					  name)
			    : r;
}

static int read_account(struct signer *signer, const char *path, struct explain *ret_why)
{
	char printable[HOME_PRINTABLE_SIZE];
	struct buf text = {0};
	struct record record;
	uint64_t days;
	int r = home_read(signer, HOME_ACCOUNT, LIMIT_RECORD_BYTES, &text, ret_why);
	if (r == -ENOENT)
		r = home_refuse(ret_why, r, "%s holds no signing account; make one with: vouchfs signer create-account",
				home_printable(path, printable));
	if (r < 0)
		goto out;

	record_begin(&record, &text, "vouchfs-signer-account");
	record_copy(&record, "id", signer->scope.account, sizeof(signer->scope.account), arn_is_account);
	record_copy(&record, "partition", signer->scope.partition, sizeof(signer->scope.partition), arn_is_region);
	record_copy(&record, "region", signer->scope.region, sizeof(signer->scope.region), arn_is_region);
	record_time(&record, "created-at", &signer->created_at_s);
	record_u64(&record, "revocation-list-days", SIGNER_LIST_DAYS_MAX, &days);
	signer->revocation_list_days = (unsigned)days;
	r = record_end(&record, HOME_ACCOUNT, ret_why);
out:
	buf_done(&text);
	return r;
}

int home_write_account(const struct signer *signer, struct explain *ret_why)
{
	struct buf text = {0};
	int r = record_put(&text, "vouchfs-signer-account", "1");
	if (r == 0)
		r = record_put(&text, "id", signer->scope.account);
	if (r == 0)
		r = record_put(&text, "partition", signer->scope.partition);
	if (r == 0)
		r = record_put(&text, "region", signer->scope.region);
	if (r == 0)
		r = record_put_time(&text, "created-at", signer->created_at_s);
	if (r == 0)
		r = record_put_u64(&text, "revocation-list-days", signer->revocation_list_days);
	if (r == 0)
		r = home_write(signer, HOME_ACCOUNT, &text, ret_why);
	buf_done(&text);
	return r;
}

int signer_open(const char *home, struct signer **ret, struct explain *ret_why)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	if (!signer)
		return -ENOMEM;
	signer->fd = -1;
	proved_list_init(&signer->proved);
	int r = home_open_dir(home, &signer->fd, ret_why);
	if (r == 0)
		r = read_account(signer, home, ret_why);
	if (r < 0) {
		signer_close(signer);
		return r;
	}
	*ret = signer;
	return 0;
}

void signer_close(struct signer *signer)
{
	if (!signer)
		return;
	io_close(&signer->fd);
	proved_list_done(&signer->proved);
	free(signer);
}

const struct arn_scope *signer_scope(const struct signer *signer)
{
	return &signer->scope;
}
