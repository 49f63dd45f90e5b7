#include "slots_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "zip_builder.h"

#define AUDIT_SEGMENT "store/audit/audit-00000000000000000001.jsonl"

const char slots_fixture_rest[] = "[code-signing-config approved]\n"
				  "allowed_publisher = " GATE_FIXTURE_ARN "\n"
				  "untrusted_artifact_on_deployment = Enforce\n"
				  "untrusted_artifact_on_load = Enforce\n"
				  "[code-signing-config watched]\n"
				  "allowed_publisher = " GATE_FIXTURE_ARN "\n"
				  "untrusted_artifact_on_deployment = Warn\n"
				  "[function main]\n"
				  "code_signing_config = approved\n"
				  "[function relaxed]\n"
				  "code_signing_config = watched\n"
				  "[function team-*]\n"
				  "code_signing_config = approved\n";

const struct slots_caller slots_fixture_caller = {.who = {.pid = 3121, .command = "rsync"}};

static void on_entry(void *ctx, uint64_t parent, const char *name)
{
	struct slots_fixture *f = ctx;
	(void)buf_printf(&f->pushed, "entry %llu %s\n", (unsigned long long)parent, name);
}

static void on_inode(void *ctx, uint64_t node)
{
	struct slots_fixture *f = ctx;
	(void)buf_printf(&f->pushed, "inode %llu\n", (unsigned long long)node);
}

static void on_inodes(void *ctx, uint64_t first, uint64_t count)
{
	struct slots_fixture *f = ctx;
	(void)buf_printf(&f->pushed, "inodes %llu %llu\n", (unsigned long long)first, (unsigned long long)count);
}

/* What was pushed is there at once. */
static void on_settle(void *ctx UNUSED)
{
}

void slots_fixture_configure(struct slots_fixture *f, const char *vouchfs_lines, const char *rest)
{
	struct buf text = {0};
	assert_int_equal(buf_printf(&text,
				    "[vouchfs]\naccount = " GATE_FIXTURE_ACCOUNT "\nregion = local\nstore = %s/store\n"
				    "durability = none\n%s[account " GATE_FIXTURE_ACCOUNT "]\n"
				    "certificate = account.pem\nrevocations = account.revocations\n%s",
				    f->host->dir, vouchfs_lines, rest),
			 0);
	gate_fixture_write(f->host, "vouchfs.conf", text.data, text.len);
	buf_done(&text);
}

void slots_fixture_start(struct slots_fixture *f)
{
	char path[128];
	struct buf errors = {0};
	(void)snprintf(path, sizeof(path), "%s/vouchfs.conf", f->host->dir);
	const struct slots_options options = {.config_path = path, .memory = f->memory};
	if (slots_open(&options, &f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	const struct slots_notify notify = {
		.ctx = f, .entry = on_entry, .inode = on_inode, .inodes = on_inodes, .settle = on_settle};
	slots_set_notify(f->slots, &notify);
}

void slots_fixture_stop(struct slots_fixture *f)
{
	slots_close(f->slots);
	f->slots = NULL;
}

void slots_fixture_restart(struct slots_fixture *f)
{
	slots_fixture_stop(f);
	slots_fixture_start(f);
}

int slots_fixture_setup(void **state)
{
	void *host = NULL;
	struct slots_fixture *f = calloc(1, sizeof(*f));
	if (!f || gate_fixture_setup(&host) != 0)
		return -1;
	f->host = host;
	gate_fixture_close_store(f->host);
	*state = f;
	log_set_level(LOG_LEVEL_ERROR);
	slots_fixture_configure(f, "keep_releases = 2\n", slots_fixture_rest);
	slots_fixture_start(f);
	return 0;
}

int slots_fixture_teardown(void **state)
{
	struct slots_fixture *f = *state;
	void *host = f->host;
	slots_close(f->slots);
	buf_done(&f->pushed);
	free(f);
	return gate_fixture_teardown(&host);
}

struct buf slots_fixture_zip(struct slots_fixture *f, const char *marker)
{
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, "marker", marker);
	struct buf zip = zip_builder_finish(&z), ret = {0};
	trust_fixture_sign_zip(&f->host->alice, zip.data, zip.len, &ret);
	buf_done(&zip);
	return ret;
}

/* ---- paths ---- */

struct side {
	int (*lookup)(struct slots *slots, uint64_t parent, const char *name, struct slots_attr *ret);
	void (*forget)(struct slots *slots, uint64_t node, uint64_t count);
};
static const struct side deploy_side = {deploy_lookup, deploy_forget}, run_side = {run_lookup, run_forget};

static int walk(struct slots_fixture *f, const struct side *side, const char *path, struct slots_attr *ret)
{
	char copy[512], *rest = copy, *name;
	uint64_t at = DEPLOY_ROOT; /* both roots are 1 */
	int r = 0;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	while (r == 0 && (name = strsep(&rest, "/")) != NULL) {
		uint64_t parent = at;
		r = side->lookup(f->slots, parent, name, ret);
		if (parent != DEPLOY_ROOT)
			side->forget(f->slots, parent, 1);
		at = r == 0 ? ret->node : at;
	}
	return r;
}

int slots_fixture_deploy_path(struct slots_fixture *f, const char *path, struct slots_attr *ret)
{
	return walk(f, &deploy_side, path, ret);
}

int slots_fixture_run_path(struct slots_fixture *f, const char *path, struct slots_attr *ret)
{
	return walk(f, &run_side, path, ret);
}

int slots_fixture_deploy_has(struct slots_fixture *f, const char *path)
{
	struct slots_attr attr;
	int r = slots_fixture_deploy_path(f, path, &attr);
	if (r == 0)
		deploy_forget(f->slots, attr.node, 1);
	return r;
}

int slots_fixture_run_has(struct slots_fixture *f, const char *path)
{
	struct slots_attr attr;
	int r = slots_fixture_run_path(f, path, &attr);
	if (r == 0)
		run_forget(f->slots, attr.node, 1);
	return r;
}

static uint64_t directory_node(struct slots_fixture *f, const char *directory)
{
	struct slots_attr attr;
	assert_int_equal(slots_fixture_deploy_path(f, directory, &attr), 0);
	return attr.node;
}

bool slots_fixture_lists(struct slots_fixture *f, const char *directory, const char *name)
{
	struct tree_handle *dir;
	struct slots_dirent entry = {0};
	uint64_t node = directory_node(f, directory);
	bool found = false;
	assert_int_equal(deploy_opendir(f->slots, node, &dir), 0);
	while (!found && deploy_readdir(dir, entry.next_offset, &entry) == 1)
		found = strcmp(entry.name, name) == 0;
	deploy_release(dir);
	deploy_forget(f->slots, node, 1);
	return found;
}

/* ---- what tools do ---- */

int slots_fixture_open(struct slots_fixture *f, const char *directory, const char *name, struct tree_handle **ret)
{
	struct slots_attr attr;
	uint64_t node = directory_node(f, directory);
	int r = deploy_create(f->slots, node, name, O_RDWR | O_CREAT | O_TRUNC, &slots_fixture_caller, &attr, ret);
	if (r == 0)
		deploy_forget(f->slots, attr.node, 1);
	deploy_forget(f->slots, node, 1);
	return r;
}

int slots_fixture_put(struct slots_fixture *f, const char *directory, const char *name, const struct buf *bytes)
{
	struct tree_handle *file;
	int r = slots_fixture_open(f, directory, name, &file);
	if (r < 0)
		return r;
	r = deploy_write(file, bytes->data, bytes->len, 0);
	if (r == 0)
		r = deploy_flush(file);
	deploy_release(file);
	return r;
}

void slots_fixture_deploy(struct slots_fixture *f, const char *function, const char *marker)
{
	char directory[128];
	struct buf zip = slots_fixture_zip(f, marker);
	(void)snprintf(directory, sizeof(directory), "functions/%s", function);
	assert_int_equal(slots_fixture_put(f, directory, "a.zip", &zip), 0);
	buf_done(&zip);
}

int slots_fixture_rename(struct slots_fixture *f, const char *directory, const char *from, const char *to)
{
	struct slots_attr attr;
	uint64_t node = directory_node(f, directory);
	int r = deploy_lookup(f->slots, node, from, &attr);
	if (r == 0) {
		r = deploy_rename(f->slots, node, from, node, to, 0, &slots_fixture_caller);
		deploy_forget(f->slots, attr.node, 1);
	}
	deploy_forget(f->slots, node, 1);
	return r;
}

typedef int change_name(struct slots *slots, uint64_t parent, const char *name, const struct slots_caller *caller);

static int change(struct slots_fixture *f, change_name *operation, const char *directory, const char *name)
{
	uint64_t node = directory_node(f, directory);
	int r = operation(f->slots, node, name, &slots_fixture_caller);
	deploy_forget(f->slots, node, 1);
	return r;
}

int slots_fixture_unlink(struct slots_fixture *f, const char *directory, const char *name)
{
	return change(f, deploy_unlink, directory, name);
}

int slots_fixture_rmdir(struct slots_fixture *f, const char *directory, const char *name)
{
	return change(f, deploy_rmdir, directory, name);
}

int slots_fixture_mkdir(struct slots_fixture *f, const char *directory, const char *name)
{
	struct slots_attr attr;
	uint64_t node = directory_node(f, directory);
	int r = deploy_mkdir(f->slots, node, name, &slots_fixture_caller, &attr);
	if (r == 0)
		deploy_forget(f->slots, attr.node, 1);
	deploy_forget(f->slots, node, 1);
	return r;
}

/* ---- what there is ---- */

const char *slots_fixture_marker(struct slots_fixture *f, const char *path, int *ret_error)
{
	static char text[64];
	struct slots_attr attr;
	struct run_data data;
	text[0] = '\0';
	*ret_error = slots_fixture_run_path(f, path, &attr);
	if (*ret_error < 0)
		return text;
	*ret_error = run_read(f->slots, attr.node, sizeof(text) - 1, 0, &data);
	if (*ret_error == 0) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)data.len, (const char *)data.bytes);
		run_data_done(&data);
	}
	run_forget(f->slots, attr.node, 1);
	return text;
}

void slots_fixture_read(struct slots_fixture *f, const char *path, struct buf *ret)
{
	struct slots_attr attr;
	struct tree_handle *file;
	char piece[256];
	ssize_t got;
	assert_int_equal(slots_fixture_deploy_path(f, path, &attr), 0);
	assert_int_equal(deploy_open(f->slots, attr.node, O_RDONLY, &slots_fixture_caller, &file), 0);
	while ((got = deploy_read(file, piece, sizeof(piece), ret->len)) > 0)
		assert_int_equal(buf_append(ret, piece, (size_t)got), 0);
	assert_int_equal(got, 0);
	deploy_release(file);
}

unsigned slots_fixture_count_records(struct slots_fixture *f, const char *part)
{
	struct buf text = {0};
	unsigned count = 0;
	assert_int_equal(io_read_file(f->host->dirfd, AUDIT_SEGMENT, (size_t)1 << 24, &text), 0);
	for (char *rest = text.data, *line; (line = strsep(&rest, "\n")) != NULL;)
		count += strstr(line, part) != NULL;
	buf_done(&text);
	return count;
}

bool slots_fixture_has_file(const struct slots_fixture *f, const char *path)
{
	return faccessat(f->host->dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void slots_fixture_pass_grace(struct slots_fixture *f)
{
	gate_fixture_set_clock(f->host, clock_now_s() + LIMIT_RELEASE_GRACE_MS / 1000 + 1);
	while (slots_sweep(f->slots) == 0)
		continue;
}
