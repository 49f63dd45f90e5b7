#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"

#define PATH_SIZE 512

uint8_t fuzz_take(struct fuzz_bytes *bytes)
{
	if (bytes->left == 0)
		return 0;
	bytes->left--;
	return *bytes->at++;
}

uint16_t fuzz_take16(struct fuzz_bytes *bytes)
{
	uint16_t low = fuzz_take(bytes);
	return (uint16_t)(low | fuzz_take(bytes) << 8);
}

size_t fuzz_take_some(struct fuzz_bytes *bytes, size_t max, const uint8_t **ret)
{
	size_t len = fuzz_take(bytes);
	len = len < bytes->left ? len : bytes->left;
	len = len < max ? len : max;
	*ret = bytes->at;
	bytes->at += len;
	bytes->left -= len;
	return len;
}

bool fuzz_next_part(const uint8_t **data, size_t *size, struct fuzz_part *ret)
{
	if (*size == 0)
		return false;
	const uint8_t *at = *data, *separator = memchr(at, FUZZ_SEPARATOR, *size);
	size_t len = separator ? (size_t)(separator - at) : *size;
	const uint8_t *newline = memchr(at, '\n', len);
	size_t name_len = newline ? (size_t)(newline - at) : len;
	size_t kept = name_len < FUZZ_NAME_SIZE - 1 ? name_len : FUZZ_NAME_SIZE - 1;

	memcpy(ret->name, at, kept);
	ret->name[kept] = '\0';
	ret->bytes = (const char *)at + name_len + (newline ? 1 : 0);
	ret->len = len - name_len - (newline ? 1 : 0);
	*data += len + (separator ? 1 : 0);
	*size -= len + (separator ? 1 : 0);
	return true;
}

char *fuzz_copy(const void *bytes, size_t len)
{
	char *copy = malloc(len + 1);
	ASSERT(copy);
	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

/* ---- files ---- */

static char own_directory[64];

static void remove_own_directory(void)
{
	fuzz_remove_tree(own_directory);
}

const char *fuzz_directory(void)
{
	if (own_directory[0] != '\0')
		return own_directory;
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(own_directory, sizeof(own_directory), "%s/vouchfs-fuzz-XXXXXX", base);
	ASSERT(mkdtemp(own_directory));
	ASSERT(atexit(remove_own_directory) == 0);
	return own_directory;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *at UNUSED)
{
	return remove(path);
}

void fuzz_remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

static bool is_inside(const char *name)
{
	return name[0] != '/' && name[0] != '\0' && name[strlen(name) - 1] != '/' && !strstr(name, "..");
}

static void make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
}

bool fuzz_write_file(const char *directory, const char *name, const void *bytes, size_t len, unsigned mode)
{
	char path[PATH_SIZE];
	if (!is_inside(name))
		return false;
	ASSERT(snprintf(path, sizeof(path), "%s/%s", directory, name) < (int)sizeof(path));
	make_directories(path);
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false; /* a name that is a directory, or too long */
	ASSERT(io_write_full(fd, bytes, len) == 0 && fchmod(fd, mode) == 0);
	io_close(&fd);
	return true;
}

/* nftw has no context. */
static struct {
	const char *from, *to;
} copying;

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *at UNUSED)
{
	char to[PATH_SIZE], target[PATH_SIZE];
	struct buf bytes = {0};
	ASSERT(snprintf(to, sizeof(to), "%s%s", copying.to, path + strlen(copying.from)) < (int)sizeof(to));
	if (type == FTW_D) {
		ASSERT(mkdir(to, st->st_mode & 07777) == 0);
		return 0;
	}
	if (type == FTW_SL) {
		ssize_t len = readlink(path, target, sizeof(target) - 1);
		ASSERT(len > 0);
		target[len] = '\0';
		ASSERT(symlink(target, to) == 0);
		return 0;
	}
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ASSERT(fd >= 0 && io_read_path(path, (size_t)st->st_size, &bytes) == 0);
	ASSERT(io_write_full(fd, bytes.data, bytes.len) == 0 && fchmod(fd, st->st_mode & 07777) == 0);
	io_close(&fd);
	buf_done(&bytes);
	return 0;
}

void fuzz_copy_tree(const char *from, const char *to)
{
	copying.from = from;
	copying.to = to;
	ASSERT(nftw(from, copy_one, 32, FTW_PHYS) == 0);
}

/* ---- worlds ---- */

static const struct {
	const char *locales[3]; /* the first one that is installed */
	const char *time_zone;
	mode_t umask;
} worlds[FUZZ_WORLDS] = {
	{{"C"}, "UTC", 077},
	{{"tr_TR.UTF-8", "C.UTF-8"}, "Asia/Kolkata", 0},
	{{"C.UTF-8", "en_US.UTF-8"}, "America/St_Johns", 0777},
	{{"de_DE", "C.UTF-8"}, "XYZ-14:30", 022},
};

void fuzz_enter_world(unsigned number)
{
	static unsigned before = FUZZ_WORLDS;
	number %= FUZZ_WORLDS;
	if (number == before)
		return;
	before = number;
	for (size_t i = 0; i < ARRAY_SIZE(worlds[0].locales) && worlds[number].locales[i]; i++)
		if (setlocale(LC_ALL, worlds[number].locales[i]))
			break;
	ASSERT(setenv("TZ", worlds[number].time_zone, 1) == 0);
	tzset();
	(void)umask(worlds[number].umask);
}
