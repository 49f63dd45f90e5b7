/* A file, perhaps on a share: what it is called leads there again at each look, and its inode tells whether it changed.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"

static struct source_mark mark_of(const struct stat *st)
{
	return (struct source_mark){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size_bytes = st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
	};
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const struct source_mark *a, const struct source_mark *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size_bytes == b->size_bytes &&
	       is_same_time(&a->modified, &b->modified) && is_same_time(&a->changed, &b->changed);
}

static int look(int fd, const struct source_mark *since, struct buf *body, struct source_mark *mark)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	*mark = mark_of(&st);
	if (since && is_same(since, mark))
		return SOURCE_UNCHANGED;
	return io_read_fd(fd, LIMIT_BUNDLE_ZIP_BYTES, body);
}

static void explain(const char *path, int r, struct explain *why)
{
	char shown[256], words[ACCESS_WORDS_SIZE];
	(void)text_escape_print(shown, sizeof(shown), path, strlen(path));
	if (r == -EFBIG)
		explain_set(why, "%s is larger than the %u bytes that a policy bundle may have", shown,
			    LIMIT_BUNDLE_ZIP_BYTES);
	else if (r == -EINVAL)
		explain_set(why, "%s is no regular file", shown);
	else
		explain_set(why, "%s: %s", shown, access_words(path, r, words));
}

int source_look_at_file(const char *path, const struct source_mark *since, struct buf *ret_body,
			struct source_mark *ret_mark, struct explain *ret_why)
{
	struct source_mark mark;
	struct buf body = {0};
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = fd < 0 ? -errno : look(fd, since, &body, &mark);
	io_close(&fd);
	if (r < 0) {
		explain(path, r, ret_why);
	} else if (r == 0) {
		*ret_mark = mark;
		*ret_body = body;
		body = (struct buf){0};
	}
	buf_done(&body);
	return r;
}
