/*
 * look.c - looks at a store the way a mount does, without one, several hundred times a second: what is asked of it is
 * the code that serves (slots, gate, store, audit), in a process of its own each time.
 *
 *     tamper_look CONF STORE SNAPSHOT PATH ...
 *
 * CONF names STORE as its store. SNAPSHOT is a store at rest; PATHs are files of the deploy side that no directory
 * lists. Takes commands, a line each, and answers with lines, of which the last is ".":
 *
 *     fresh                     STORE is made anew from SNAPSHOT
 *     flip PATH OFFSET MASK ... the same with a byte of each PATH changed, then as look
 *     look                      opens STORE, reads everything it serves, closes it:
 *                                   died <signal>            it crashed, or an assertion failed
 *                                   refused <text>           it does not open, and says this
 *                                   <side> <path> <what>     what is there: attributes and digest, or the errno
 *                                   record <event> <slot> <release> <digest> <detail>
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "slots/deploy.h"
#include "slots/run.h"

#define PATH_SIZE    1024
#define LINE_SIZE    (1U << 20)
#define PIECE_BYTES  65536
#define LOOK_TIMEOUT 30 /* seconds; what takes longer hangs */

void memo_share(void); /* memo.c */

static struct slots *slots;
static struct buf records; /* of this look */
static const struct slots_caller caller = {.who = {.pid = 1, .command = "look"}};

/* ---- the store from its snapshot ---- */

struct entry {
	char path[PATH_SIZE];
	mode_t mode;
	struct buf bytes;
};

static struct entry *entries;
static size_t entry_count;

static void must(bool went_well, const char *what)
{
	if (went_well)
		return;
	(void)fprintf(stderr, "tamper_look: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void remember(int dirfd, const char *path, const struct stat *st)
{
	entries = realloc(entries, (entry_count + 1) * sizeof(*entries));
	must(entries, "memory");
	struct entry *entry = &entries[entry_count++];
	*entry = (struct entry){.mode = st->st_mode};
	(void)snprintf(entry->path, sizeof(entry->path), "%s", path);
	if (S_ISREG(st->st_mode))
		must(io_read_file(dirfd, path, SIZE_MAX / 2, &entry->bytes) == 0, path);
}

static void take_snapshot(int dirfd, const char *below)
{
	struct io_names names;
	must(io_list_dir(dirfd, *below ? below : ".", &names) == 0, below);
	for (size_t i = 0; i < names.count; i++) {
		char path[PATH_SIZE];
		struct stat st;
		(void)snprintf(path, sizeof(path), "%s%s%s", below, *below ? "/" : "", names.names[i]);
		must(fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0, path);
		remember(dirfd, path, &st);
		if (S_ISDIR(st.st_mode))
			take_snapshot(dirfd, path);
	}
	io_names_done(&names);
}

static void remove_below(int dirfd)
{
	struct io_names names;
	must(io_list_dir(dirfd, ".", &names) == 0, "list");
	for (size_t i = 0; i < names.count; i++) {
		if (unlinkat(dirfd, names.names[i], 0) == 0)
			continue;
		if (fchmodat(dirfd, names.names[i], 0700, 0) < 0)
			continue;
		int fd = openat(dirfd, names.names[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(fd >= 0, names.names[i]);
		remove_below(fd);
		(void)close(fd);
		must(unlinkat(dirfd, names.names[i], AT_REMOVEDIR) == 0, names.names[i]);
	}
	io_names_done(&names);
}

static void make_file(int dirfd, const struct entry *entry)
{
	int fd = openat(dirfd, entry->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0, entry->path);
	must(io_write_full(fd, entry->bytes.data, entry->bytes.len) == 0, entry->path);
	must(fchmod(fd, entry->mode & 07777) == 0, entry->path);
	(void)close(fd);
}

static void make_store(const char *store)
{
	(void)mkdir(store, 0700);
	must(chmod(store, 0700) == 0, store);
	int dirfd = io_open_dir(store);
	must(dirfd >= 0, store);
	remove_below(dirfd);
	for (size_t i = 0; i < entry_count; i++) {
		if (S_ISDIR(entries[i].mode))
			must(mkdirat(dirfd, entries[i].path, entries[i].mode & 07777) == 0, entries[i].path);
		else
			make_file(dirfd, &entries[i]);
	}
	(void)close(dirfd);
}

static void flip(const char *store, const char *path, unsigned long offset, unsigned mask)
{
	char whole[2 * PATH_SIZE];
	uint8_t byte;
	(void)snprintf(whole, sizeof(whole), "%s/%s", store, path);
	(void)chmod(whole, 0600);
	int fd = open(whole, O_RDWR | O_CLOEXEC);
	must(fd >= 0 && pread(fd, &byte, 1, (off_t)offset) == 1, whole);
	byte ^= (uint8_t)mask;
	must(pwrite(fd, &byte, 1, (off_t)offset) == 1, whole);
	(void)close(fd);
}

/* ---- what is there ---- */

static void say_digest(const struct buf *content)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[CRYPTO_SHA256_HEX_SIZE];
	must(crypto_sha256(content->data ? content->data : "", content->len, digest) == 0, "digest");
	text_hex(digest, sizeof(digest), hex);
	printf(" %zu %.16s\n", content->len, hex);
}

static void say_attr(const char *side, const char *path, const struct slots_attr *attr)
{
	printf("%s %s %o %lld.%09ld %u", side, path, attr->mode, (long long)attr->mtime.tv_sec, attr->mtime.tv_nsec,
	       attr->uid);
}

static void say_error(int error)
{
	printf(" E%s\n", strerrorname_np(-error));
}

static int read_deploy(uint64_t node, struct buf *ret)
{
	static char piece[PIECE_BYTES];
	struct tree_handle *handle;
	int r = deploy_open(slots, node, O_RDONLY, &caller, &handle);
	if (r < 0)
		return r;
	ssize_t got = 0;
	while (r == 0 && (got = deploy_read(handle, piece, sizeof(piece), ret->len)) > 0)
		r = buf_append(ret, piece, (size_t)got);
	deploy_release(handle);
	return got < 0 ? (int)got : r;
}

static int read_run(uint64_t node, uint64_t size, struct buf *ret)
{
	int r = 0;
	while (r == 0 && ret->len < size) {
		struct run_data data;
		r = run_read(slots, node, PIECE_BYTES, ret->len, &data);
		if (r < 0)
			break;
		r = data.len > 0 ? buf_append(ret, data.bytes, data.len) : -ENODATA;
		run_data_done(&data);
	}
	return r;
}

static void say_content(int r, struct buf *content)
{
	if (r < 0)
		say_error(r);
	else
		say_digest(content);
	buf_done(content);
}

static void walk_deploy(uint64_t node, const char *path);

static void look_at_deploy(uint64_t parent, const char *path, const char *name)
{
	struct slots_attr attr;
	struct buf content = {0};
	int r = deploy_lookup(slots, parent, name, &attr);
	if (r < 0) {
		printf("deploy %s", path);
		say_error(r);
		return;
	}
	say_attr("deploy", path, &attr);
	if (S_ISREG(attr.mode))
		say_content(read_deploy(attr.node, &content), &content);
	else if (S_ISLNK(attr.mode))
		say_content(deploy_readlink(slots, attr.node, &content), &content);
	else
		(void)putchar('\n');
	if (S_ISDIR(attr.mode) && strcmp(path, "/run") != 0)
		walk_deploy(attr.node, path);
	deploy_forget(slots, attr.node, 1);
}

static void walk_deploy(uint64_t node, const char *path)
{
	struct tree_handle *dir;
	struct slots_dirent entry;
	int r = deploy_opendir(slots, node, &dir);
	uint64_t offset = 0;
	while (r >= 0 && (r = deploy_readdir(dir, offset, &entry)) > 0) {
		char below[2 * PATH_SIZE];
		offset = entry.next_offset;
		if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0)
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, entry.name);
		look_at_deploy(node, below, entry.name);
	}
	if (r < 0) {
		printf("deploy %s/", path);
		say_error(r);
	} else {
		deploy_release(dir);
	}
}

static void look_at_path(const char *path)
{
	struct slots_attr attr = {.node = DEPLOY_ROOT};
	char copy[PATH_SIZE], *rest = copy;
	(void)snprintf(copy, sizeof(copy), "%s", path + 1);
	uint64_t parent = DEPLOY_ROOT;
	for (char *slash; (slash = strchr(rest, '/')) != NULL; rest = slash + 1) {
		*slash = '\0';
		int r = deploy_lookup(slots, parent, rest, &attr);
		if (r < 0) {
			printf("deploy %s", path);
			say_error(r);
			return;
		}
		parent = attr.node;
	}
	look_at_deploy(parent, path, rest);
}

struct names {
	struct buf text; /* each with its NUL */
	uint64_t offset;
};

static bool note_name(void *ctx, const struct slots_dirent *entry)
{
	struct names *names = ctx;
	names->offset = entry->next_offset;
	if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
		must(buf_append(&names->text, entry->name, strlen(entry->name) + 1) == 0, "memory");
	return true;
}

static void walk_run(uint64_t node, const char *path);

static void look_at_run(uint64_t parent, const char *path, const char *name)
{
	struct slots_attr attr;
	struct buf content = {0};
	int r = run_lookup(slots, parent, name, &attr);
	if (r < 0) {
		printf("run %s", path);
		say_error(r);
		return;
	}
	say_attr("run", path, &attr);
	if (S_ISREG(attr.mode))
		say_content(read_run(attr.node, attr.size_bytes, &content), &content);
	else if (S_ISLNK(attr.mode))
		say_content(run_readlink(slots, attr.node, &content), &content);
	else
		(void)putchar('\n');
	if (S_ISDIR(attr.mode))
		walk_run(attr.node, path);
	run_forget(slots, attr.node, 1);
}

static void walk_run(uint64_t node, const char *path)
{
	struct names names = {0};
	int r = run_readdir(slots, node, 0, note_name, &names);
	if (r < 0) {
		printf("run %s/", path);
		say_error(r);
	}
	for (size_t at = 0; at < names.text.len; at += strlen(names.text.data + at) + 1) {
		char below[2 * PATH_SIZE];
		(void)snprintf(below, sizeof(below), "%s/%s", path, names.text.data + at);
		look_at_run(node, below, names.text.data + at);
	}
	buf_done(&names.text);
}

/* ---- one look ---- */

static void tell(void *ctx, const struct audit_news *news)
{
	(void)ctx;
	enum audit_event event = news->record->event;
	if (event == AUDIT_START || event == AUDIT_STOP)
		return;
	const struct audit_record *record = news->record;
	(void)buf_printf(&records, "record %s %s %" PRIu64 " %s %s\n", audit_event_name(event),
			 record->slot ? record->slot : "-", record->release,
			 record->tree_sha256 ? record->tree_sha256 : "-", record->detail ? record->detail : "-");
}

static void look_from_inside(const char *conf, char **paths)
{
	struct buf errors = {0};
	const struct slots_options options = {.config_path = conf, .tell = tell, .allow_other = true};
	int r = slots_open(&options, &slots, &errors);
	if (r < 0) {
		if (errors.data)
			errors.data[strcspn(errors.data, "\n")] = '\0';
		printf("refused %s\n", errors.data ? errors.data : strerror(-r));
	} else {
		walk_run(RUN_ROOT, "");
		walk_deploy(DEPLOY_ROOT, "");
		for (; *paths; paths++)
			look_at_path(*paths);
		slots_close(slots);
	}
	(void)fwrite(records.data, 1, records.len, stdout);
	buf_done(&records);
	buf_done(&errors);
	(void)fflush(stdout);
}

static void look(const char *conf, char **paths)
{
	int status;
	(void)fflush(stdout);
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		(void)alarm(LOOK_TIMEOUT);
		look_from_inside(conf, paths);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid, "wait");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		printf("died %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status));
}

static void flip_all(const char *store, char *line)
{
	char path[PATH_SIZE];
	unsigned long offset;
	unsigned mask;
	int used = 0;
	for (char *at = line + strlen("flip"); sscanf(at, " %1023s %lu %u%n", path, &offset, &mask, &used) == 3;
	     at += used)
		flip(store, path, offset, mask);
}

int main(int argc, char **argv)
{
	static char line[LINE_SIZE];
	if (argc < 4)
		return 2;
	int dirfd = io_open_dir(argv[3]);
	must(dirfd >= 0, argv[3]);
	take_snapshot(dirfd, "");
	memo_share();
	make_store(argv[2]);
	look_from_inside(argv[1], argv + 4); /* what libraries prepare once is prepared for all */
	(void)puts(".");
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		must(strchr(line, '\n'), "a command is too long");
		if (strcmp(line, "look\n") != 0)
			make_store(argv[2]);
		if (strncmp(line, "flip ", 5) == 0)
			flip_all(argv[2], line);
		if (strcmp(line, "fresh\n") != 0)
			look(argv[1], argv + 4);
		(void)puts(".");
		(void)fflush(stdout);
	}
	return 0;
}
