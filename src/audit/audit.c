/*
 * audit.c - appends to the log. The chain is kept in memory (sequence and hash of the last record) and moves on only
 * when a record is written whole and, where asked for, synced.
 */
#include "audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

struct listener {
	audit_tell *tell;
	void *ctx;
};

struct audit {
	pthread_mutex_t lock;
	struct listener listeners[AUDIT_LISTENERS_MAX];
	size_t listener_count;
	int dirfd;
	int fd; /* of the current segment, or -1 before the first record */
	bool durable;
	bool broken; /* a failed write could not be taken back: nothing may follow */
	bool failed; /* the last append */
	uint64_t segment_bytes;
	uint64_t segment_max_bytes;
	uint64_t seq;
	char head[CRYPTO_SHA256_HEX_SIZE];
	char boot[AUDIT_BOOT_SIZE];
};

static int read_boot_id(char ret[AUDIT_BOOT_SIZE])
{
	struct buf text = {0};
	int r = io_read_path(BOOT_ID_PATH, AUDIT_BOOT_SIZE - 1, &text);
	if (r == 0 && text.data) {
		size_t len = strcspn(text.data, "\n");
		memcpy(ret, text.data, len);
		ret[len] = '\0';
	}
	buf_done(&text);
	return r;
}

/* Tests have short segments. */
static uint64_t read_segment_max(void)
{
#ifdef VOUCHFS_TEST_HOOKS
	const char *text = getenv("VOUCHFS_TEST_AUDIT_SEGMENT");
	uint64_t max_bytes = AUDIT_SEGMENT_BYTES;
	if (text)
		ASSERT(text_parse_u64(text, strlen(text), AUDIT_SEGMENT_BYTES, &max_bytes));
	return max_bytes;
#else
	return AUDIT_SEGMENT_BYTES;
#endif
}

static int open_segment(int dirfd, uint64_t first_seq, int extra_flags)
{
	char name[AUDIT_NAME_SIZE];
	audit_segment_name(first_seq, name);
	return io_openat(dirfd, name, O_RDWR | O_APPEND | extra_flags, 0600);
}

/* The last record of the segment before an empty one, which has to be the one that the empty one's name continues. */
static int take_head_of_previous(struct audit *audit, uint64_t first_seq)
{
	uint64_t previous;
	int r = audit_segment_find(audit->dirfd, first_seq, &previous);
	if (r < 0)
		return r;
	if (previous == 0)
		return first_seq == 1 ? 0 : -EBADMSG;
	int fd = open_segment(audit->dirfd, previous, 0);
	if (fd < 0)
		return fd;
	struct audit_segment segment;
	r = audit_segment_read_end(fd, previous, &segment);
	io_close(&fd);
	if (r < 0)
		return r;
	if (segment.torn_bytes > 0 || segment.last_seq + 1 != first_seq)
		return -EBADMSG;
	audit->seq = segment.last_seq;
	memcpy(audit->head, segment.last_sha256, sizeof(audit->head));
	return 0;
}

/*
 * Whoever wrote the last record may have been killed before it was synced. The next one may begin another file, and
 * must not be on the disk before it: that would look as if a record had been removed.
 */
static int sync_end(const struct audit *audit)
{
	int r = audit->durable ? io_fsync(audit->fd) : 0;
	return r == 0 && audit->durable ? io_fsync(audit->dirfd) : r;
}

/* Finds the end of the log, cuts off a torn line and says how long it was. */
static int find_end(struct audit *audit, uint64_t *ret_torn_bytes)
{
	uint64_t first_seq;
	int r = audit_segment_find(audit->dirfd, UINT64_MAX, &first_seq);
	if (r < 0)
		return r;
	*ret_torn_bytes = 0;
	if (first_seq == 0)
		return 0;

	audit->fd = open_segment(audit->dirfd, first_seq, 0);
	if (audit->fd < 0)
		return audit->fd;
	struct audit_segment segment;
	r = audit_segment_read_end(audit->fd, first_seq, &segment);
	if (r < 0)
		return r;
	audit->segment_bytes = segment.whole_bytes;
	if (segment.last_seq > 0) {
		audit->seq = segment.last_seq;
		memcpy(audit->head, segment.last_sha256, sizeof(audit->head));
	} else {
		r = take_head_of_previous(audit, first_seq);
		if (r < 0)
			return r;
	}
	*ret_torn_bytes = segment.torn_bytes;
	r = segment.torn_bytes > 0 ? io_ftruncate(audit->fd, segment.whole_bytes) : 0;
	return r == 0 ? sync_end(audit) : r;
}

static int record_repair(struct audit *audit, uint64_t torn_bytes)
{
	struct explain detail;
	explain_set(&detail, "a torn record of %llu bytes was cut off the end of the audit log",
		    (unsigned long long)torn_bytes);
	log_warning("%s", detail.text); /* nobody listens yet */
	struct audit_record record = {.event = AUDIT_RECOVERY, .detail = detail.text};
	return audit_append(audit, &record, NULL);
}

int audit_open(int dirfd, bool durable, struct audit **ret, struct explain *ret_why)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	if (!audit) {
		explain_set(ret_why, "out of memory");
		return -ENOMEM;
	}
	lock_init(&audit->lock);
	audit->fd = -1;
	audit->durable = durable;
	audit->segment_max_bytes = read_segment_max();
	memset(audit->head, '0', sizeof(audit->head) - 1);

	uint64_t torn_bytes = 0;
	int r = read_boot_id(audit->boot);
	audit->dirfd = io_open_dirat(dirfd, ".");
	if (r == 0 && audit->dirfd < 0)
		r = audit->dirfd;
	if (r == 0)
		r = find_end(audit, &torn_bytes);
	if (r == 0 && torn_bytes > 0)
		r = record_repair(audit, torn_bytes);
	if (r == -EBADMSG)
		explain_set(ret_why, "the last segment of the audit log is damaged; move the log aside to begin a new "
				     "one, and find out who changed it");
	else if (r < 0)
		explain_set(ret_why, "the audit log cannot be opened: %s", strerror(-r));
	if (r == 0) {
		*ret = audit;
		audit = NULL;
	}
	audit_close(audit);
	return r;
}

void audit_close(struct audit *audit)
{
	if (!audit)
		return;
	io_close(&audit->fd);
	io_close(&audit->dirfd);
	lock_done(&audit->lock);
	free(audit);
}

/* Begins the segment whose first record is the next one. On failure the old one stays the current one. */
static int begin_segment_locked(struct audit *audit)
{
	int fd = open_segment(audit->dirfd, audit->seq + 1, O_CREAT);
	if (fd < 0)
		return fd;
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size != 0 || st.st_nlink != 1)) /* a pipe would swallow records */
		r = -EBADMSG;
	if (r == 0 && audit->durable)
		r = io_fsync(audit->dirfd);
	if (r < 0) {
		io_close(&fd);
		return r;
	}
	io_close(&audit->fd);
	audit->fd = fd;
	audit->segment_bytes = 0;
	return 0;
}

/* One write of the whole line; a part of it that got there is taken back. */
static int write_line_locked(struct audit *audit, const struct buf *line)
{
	int r = io_write_full(audit->fd, line->data, line->len);
	if (r == 0 && audit->durable)
		r = io_fsync(audit->fd);
	if (r < 0 && io_ftruncate(audit->fd, audit->segment_bytes) < 0) {
		log_error("audit log: a failed write could not be taken back; nothing more is written or deployed");
		audit->broken = true;
	}
	return r;
}

/* line ends in a newline. */
static void tell_listeners_locked(const struct audit *audit, const struct audit_stamp *stamp,
				  const struct audit_record *record, const struct buf *line)
{
	const struct audit_news news = {.seq = stamp->seq,
					.at = stamp->at,
					.record = record,
					.line = line->data,
					.len = line->len - 1,
					.head_sha256 = audit->head};
	for (size_t i = 0; i < audit->listener_count; i++)
		audit->listeners[i].tell(audit->listeners[i].ctx, &news);
}

static int append_locked(struct audit *audit, const struct audit_record *record, struct buf *line)
{
	if (audit->broken)
		return -EIO;
	struct audit_stamp stamp = {.seq = audit->seq + 1, .at = clock_now(), .boot = audit->boot, .prev = audit->head};
	uint8_t digest[CRYPTO_SHA256_BYTES];
	int r = audit_render(&stamp, record, line);
	if (r == 0)
		r = crypto_sha256(line->data, line->len, digest);
	if (r == 0)
		r = buf_putc(line, '\n');
	if (r < 0)
		return r;

	if (audit->fd < 0 || (audit->segment_bytes > 0 && audit->segment_bytes + line->len > audit->segment_max_bytes))
		r = begin_segment_locked(audit);
	if (r == 0)
		r = write_line_locked(audit, line);
	if (r < 0)
		return r;
	audit->segment_bytes += line->len;
	audit->seq = stamp.seq;
	text_hex(digest, sizeof(digest), audit->head);
	tell_listeners_locked(audit, &stamp, record, line);
	return 0;
}

int audit_append(struct audit *audit, const struct audit_record *record, uint64_t *ret_seq)
{
	struct buf line = {0};
	lock_take(&audit->lock);
	int r = append_locked(audit, record, &line);
	audit->failed = r < 0;
	if (r == 0 && ret_seq)
		*ret_seq = audit->seq;
	lock_drop(&audit->lock);
	buf_done(&line);
	return r;
}

int audit_listen(struct audit *audit, audit_tell *tell, void *ctx)
{
	lock_take(&audit->lock);
	int r = audit->listener_count < ARRAY_SIZE(audit->listeners) ? 0 : -ENOSPC;
	if (r == 0)
		audit->listeners[audit->listener_count++] = (struct listener){.tell = tell, .ctx = ctx};
	lock_drop(&audit->lock);
	return r;
}

bool audit_is_writable(struct audit *audit)
{
	lock_take(&audit->lock);
	bool writable = !audit->failed;
	lock_drop(&audit->lock);
	return writable;
}

void audit_head(struct audit *audit, uint64_t *ret_seq, char ret_sha256_hex[65])
{
	lock_take(&audit->lock);
	*ret_seq = audit->seq;
	memcpy(ret_sha256_hex, audit->head, sizeof(audit->head));
	lock_drop(&audit->lock);
}
