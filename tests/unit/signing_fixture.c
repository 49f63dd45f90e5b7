#include "signing_fixture.h"

#include <errno.h>
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

#include "base/log.h"
#include "zip_builder.h"

#define OPS	    (&signing_tree_ops)
#define PIECE_BYTES 64

const struct slots_caller alice = {.who = {.uid = 70001, .pid = 11, .command = "cp"}},
			  carol = {.who = {.uid = 70003, .pid = 12, .command = "rsync"}},
			  bob = {.who = {.uid = 70002, .pid = 13, .command = "cp"}},
			  mallory = {.who = {.uid = 70009, .pid = 14, .command = "cp"}},
			  owner = {.who = {.uid = 0, .pid = 15, .command = "cp"}};

static const char principals[] = "[principal " ALICE_ACCOUNT "]\nuser = 70001\nuser = 70003\n"
				 "[principal " BOB_ACCOUNT "]\nuser = 70002\n";

static void start(struct signing_fixture *f)
{
	struct buf errors = {0};
	if (signing_open(f->host->home, &f->memory, &f->signing, &errors) != 0)
		fail_msg("%s", errors.data);
}

void signing_fixture_allow(struct signing_fixture *f, const char *account, enum signer_action action, const char *id)
{
	struct signer_statement statement = {.action = action};
	char revision[SIGNER_REVISION_ID_SIZE];
	(void)snprintf(statement.id, sizeof(statement.id), "%s", id);
	(void)snprintf(statement.principal, sizeof(statement.principal), "%s", account);
	if (signer_add_permission(f->host->signer, SLOT, &statement, NULL, revision, &f->host->why) != 0)
		fail_msg("%s", f->host->why.text);
}

void signing_fixture_forbid(struct signing_fixture *f, const char *id)
{
	struct signer_permissions now = {0};
	char revision[SIGNER_REVISION_ID_SIZE];
	assert_int_equal(signer_list_permissions(f->host->signer, SLOT, &now, &f->host->why), 0);
	if (signer_remove_permission(f->host->signer, SLOT, id, now.revision_id, revision, &f->host->why) != 0)
		fail_msg("%s", f->host->why.text);
	signer_permissions_done(&now);
}

int signing_fixture_setup(void **state)
{
	void *host = NULL;
	struct signing_fixture *f = calloc(1, sizeof(*f));
	if (!f || signer_setup(&host) != 0)
		return -1;
	f->host = host;
	log_set_level(LOG_LEVEL_ERROR);
	(void)signer_fixture_profile(f->host, SLOT);
	(void)signer_fixture_profile(f->host, "other");
	signer_fixture_write(f->host, "home/principals", principals, sizeof(principals) - 1);
	signing_fixture_allow(f, ALICE_ACCOUNT, SIGNER_START_SIGNING_JOB, "alice-start");
	signing_fixture_allow(f, ALICE_ACCOUNT, SIGNER_GET_SIGNING_PROFILE, "alice-get");
	signing_fixture_allow(f, ALICE_ACCOUNT, SIGNER_REVOKE_SIGNATURE, "alice-revoke");
	signing_fixture_allow(f, BOB_ACCOUNT, SIGNER_START_SIGNING_JOB, "bob-start");
	start(f);
	*state = f;
	return 0;
}

int signing_fixture_teardown(void **state)
{
	struct signing_fixture *f = *state;
	void *host = f->host;
	if (f->signing)
		OPS->close(f->signing);
	free(f);
	return signer_teardown(&host);
}

void signing_fixture_restart(struct signing_fixture *f)
{
	OPS->close(f->signing);
	f->signing = NULL;
	start(f);
}

struct buf signing_fixture_zip(const char *marker)
{
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, "marker", marker);
	return zip_builder_finish(&z);
}

/* ---- paths ---- */

int signing_fixture_path(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
			 struct slots_attr *ret)
{
	char copy[512], *rest = copy, *name;
	uint64_t at = TREE_ROOT;
	int r = OPS->getattr(f->signing, at, ret);
	(void)snprintf(copy, sizeof(copy), "%s", path);
	while (r == 0 && *path && (name = strsep(&rest, "/")) != NULL) {
		uint64_t parent = at;
		r = OPS->lookup(f->signing, parent, name, caller, ret);
		if (parent != TREE_ROOT)
			OPS->forget(f->signing, parent, 1);
		at = r == 0 ? ret->node : at;
	}
	return r;
}

void signing_fixture_forget(struct signing_fixture *f, const struct slots_attr *attr)
{
	if (attr->node != TREE_ROOT)
		OPS->forget(f->signing, attr->node, 1);
}

int signing_fixture_has(struct signing_fixture *f, const struct slots_caller *caller, const char *path)
{
	struct slots_attr attr;
	int r = signing_fixture_path(f, caller, path, &attr);
	if (r == 0)
		signing_fixture_forget(f, &attr);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *signing_fixture_list(struct signing_fixture *f, const struct slots_caller *caller, const char *directory)
{
	static char text[2048];
	char *names[64];
	size_t count = 0;
	struct slots_attr attr;
	struct tree_handle *dir;
	struct slots_dirent entry = {0};
	int r = signing_fixture_path(f, caller, directory, &attr);
	if (r < 0)
		return strerror(-r);
	r = OPS->opendir(f->signing, attr.node, caller, &dir);
	signing_fixture_forget(f, &attr);
	if (r < 0)
		return strerror(-r);
	while (OPS->readdir(dir, entry.next_offset, &entry) == 1)
		if (strcmp(entry.name, ".") != 0 && strcmp(entry.name, "..") != 0 && count < 64)
			names[count++] = strdup(entry.name);
	OPS->release(dir);
	qsort(names, count, sizeof(names[0]), compare_names);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(text);
		(void)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", names[i]);
		free(names[i]);
	}
	return text;
}

/* ---- what tools do ---- */

int signing_fixture_open(struct signing_fixture *f, const struct slots_caller *caller, const char *directory,
			 const char *name, struct tree_handle **ret)
{
	struct slots_attr parent, attr;
	int r = signing_fixture_path(f, caller, directory, &parent);
	if (r < 0)
		return r;
	r = OPS->lookup(f->signing, parent.node, name, caller, &attr);
	if (r == 0)
		r = OPS->open(f->signing, attr.node, O_WRONLY | O_TRUNC, caller, ret);
	else if (r == -ENOENT)
		r = OPS->create(f->signing, parent.node, name, O_WRONLY | O_TRUNC, caller, &attr, ret);
	else
		attr.node = TREE_ROOT;
	if (r == 0)
		signing_fixture_forget(f, &attr);
	signing_fixture_forget(f, &parent);
	return r;
}

int signing_fixture_put(struct signing_fixture *f, const struct slots_caller *caller, const char *directory,
			const char *name, const struct buf *bytes)
{
	struct tree_handle *file;
	int r = signing_fixture_open(f, caller, directory, name, &file);
	if (r < 0)
		return r;
	for (size_t at = 0; r == 0 && at < bytes->len; at += PIECE_BYTES) {
		size_t len = bytes->len - at < PIECE_BYTES ? bytes->len - at : PIECE_BYTES;
		r = OPS->write(file, bytes->data + at, len, at);
	}
	int flushed = OPS->flush(file);
	OPS->release(file);
	return r < 0 ? r : flushed;
}

int signing_fixture_read(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
			 struct buf *ret)
{
	struct slots_attr attr;
	struct tree_handle *file;
	char piece[100];
	ssize_t got;
	int r = signing_fixture_path(f, caller, path, &attr);
	if (r < 0)
		return r;
	r = OPS->open(f->signing, attr.node, O_RDONLY, caller, &file);
	signing_fixture_forget(f, &attr);
	if (r < 0)
		return r;
	size_t at = 0;
	while ((got = OPS->read(file, piece, sizeof(piece), at)) > 0) {
		assert_int_equal(buf_append(ret, piece, (size_t)got), 0);
		at += (size_t)got;
	}
	OPS->release(file);
	return (int)got;
}

int signing_fixture_unlink(struct signing_fixture *f, const struct slots_caller *caller, const char *directory,
			   const char *name)
{
	struct slots_attr attr;
	int r = signing_fixture_path(f, caller, directory, &attr);
	if (r < 0)
		return r;
	r = OPS->unlink(f->signing, attr.node, name, caller);
	signing_fixture_forget(f, &attr);
	return r;
}

int signing_fixture_rename(struct signing_fixture *f, const struct slots_caller *caller, const char *directory,
			   const char *from, const char *to)
{
	struct slots_attr attr, source;
	int r = signing_fixture_path(f, caller, directory, &attr);
	if (r == 0)
		r = OPS->lookup(f->signing, attr.node, from, caller, &source); /* the kernel looks it up first */
	if (r < 0)
		return r;
	r = OPS->rename(f->signing, attr.node, from, attr.node, to, 0, caller);
	signing_fixture_forget(f, &source);
	signing_fixture_forget(f, &attr);
	return r;
}

const char *signing_fixture_attribute(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
				      const char *name)
{
	static char text[EXPLAIN_MAX];
	struct buf value = {0};
	struct slots_attr attr;
	text[0] = '\0';
	if (signing_fixture_path(f, caller, path, &attr) < 0)
		return text;
	if (OPS->getxattr(f->signing, attr.node, name, caller, &value) == 0)
		(void)snprintf(text, sizeof(text), "%s", value.data);
	signing_fixture_forget(f, &attr);
	buf_done(&value);
	return text;
}

/* ---- what is there afterwards ---- */

void signing_fixture_hand_in(struct signing_fixture *f, const struct slots_caller *caller, const char *name,
			     const char *marker)
{
	struct buf zip = signing_fixture_zip(marker);
	assert_int_equal(signing_fixture_put(f, caller, SLOT, name, &zip), 0);
	buf_done(&zip);
}

const char *signing_fixture_last(struct signing_fixture *f, const struct slots_caller *caller, const char *what)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "user.vouchfs.last_%s", what);
	return signing_fixture_attribute(f, caller, SLOT, name);
}

void signing_fixture_assert_content(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
				    const struct buf *expected)
{
	struct buf got = {0};
	assert_int_equal(signing_fixture_read(f, caller, path, &got), 0);
	assert_int_equal(got.len, expected->len);
	assert_memory_equal(got.data, expected->data, got.len);
	buf_done(&got);
}

/* What is signed is the ZIP up to the length of its comment. */
void signing_fixture_assert_signed(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
				   const struct buf *zip, size_t comment_len)
{
	static const char begin[] = "-----BEGIN CMS-----";
	struct buf got = {0};
	struct slots_attr attr;
	size_t length = zip->len - 2 - comment_len;
	assert_int_equal(signing_fixture_read(f, caller, path, &got), 0);
	assert_true(got.len > length + 2 + sizeof(begin));
	assert_memory_equal(got.data, zip->data, length);
	assert_memory_equal(got.data + length + 2, begin, sizeof(begin) - 1);
	assert_int_equal(signing_fixture_path(f, caller, path, &attr), 0);
	assert_int_equal(attr.size_bytes, got.len);
	assert_int_equal(attr.mode, S_IFREG | 0444);
	signing_fixture_forget(f, &attr);
	buf_done(&got);
}

/* The id of the only job that the caller sees. */
const char *signing_fixture_only_job(struct signing_fixture *f, const struct slots_caller *caller)
{
	static char id[ARN_JOB_ID_SIZE];
	const char *listed = signing_fixture_list(f, caller, SLOT "/jobs");
	assert_int_equal(strlen(listed), ARN_JOB_ID_SIZE - 1 + strlen(".json"));
	memcpy(id, listed, ARN_JOB_ID_SIZE - 1);
	return id;
}
