/*
 * Opens a store in which somebody has changed files, with checksums that are right (host.h says how an input says so),
 * and looks at all of it through the mount's tree.
 *
 * What must hold: nothing crashes; a store that does not open says why; what is served of it is one of the artifacts
 * that were deployed there, byte for byte, or an error; it opens again, and then serves the same (I1, I5).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "host.h"

#define DEPTH_MAX 8

static struct fuzz_host host;

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	fuzz_host_make(&host);
	return 0;
}

/* ---- the deploy side ---- */

static void read_file(uint64_t node)
{
	struct tree_handle *file;
	char piece[4096];
	uint64_t offset = 0;
	ssize_t got;
	if (deploy_open(host.f->slots, node, O_RDONLY, &slots_fixture_caller, &file) < 0)
		return;
	while ((got = deploy_read(file, piece, sizeof(piece), offset)) > 0)
		offset += (uint64_t)got;
	ASSERT(got <= 0);
	deploy_release(file);
}

static void look_through(uint64_t directory, unsigned depth)
{
	struct tree_handle *dir;
	struct slots_dirent entry = {0};
	struct slots_attr attr;
	struct buf names = {0};
	if (depth == DEPTH_MAX || deploy_opendir(host.f->slots, directory, &dir) < 0)
		return;
	while (deploy_readdir(dir, entry.next_offset, &entry) == 1) {
		if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0 || strcmp(entry.name, "events") == 0)
			continue;
		if (deploy_lookup(host.f->slots, directory, entry.name, &attr) < 0)
			continue;
		ASSERT(deploy_listxattr(host.f->slots, attr.node, &names) <= 0);
		if (S_ISDIR(attr.mode))
			look_through(attr.node, depth + 1);
		else if (S_ISREG(attr.mode))
			read_file(attr.node);
		deploy_forget(host.f->slots, attr.node, 1);
	}
	buf_done(&names);
	deploy_release(dir);
}

/* .vouchfs is not listed. */
static void look_at_control(void)
{
	static const char *const paths[] = {".vouchfs/why", ".vouchfs/history", ".vouchfs/rollback",
					    ".vouchfs/permissions", ".vouchfs/break-glass"};
	struct slots_attr attr;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (slots_fixture_deploy_path(host.f, paths[i], &attr) == 0) {
			look_through(attr.node, 1);
			deploy_forget(host.f->slots, attr.node, 1);
		}
	static const char *const files[] = {".vouchfs/status", ".vouchfs/status.json", ".vouchfs/metrics",
					    ".vouchfs/recent"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (slots_fixture_deploy_path(host.f, files[i], &attr) == 0) {
			read_file(attr.node);
			deploy_forget(host.f->slots, attr.node, 1);
		}
}

/* ---- the run side ---- */

static bool is_one_of_ours(const char *text)
{
	static const char *const known[] = {"one", "two", "three"};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(text, known[i]) == 0)
			return true;
	return false;
}

/* What is served, or how it fails. */
struct served {
	char text[64];
	int error;
};

static struct served look_at_marker(const char *path)
{
	struct served ret = {0};
	const char *text = slots_fixture_marker(host.f, path, &ret.error);
	(void)snprintf(ret.text, sizeof(ret.text), "%s", text);
	ASSERT(ret.error < 0 || is_one_of_ours(ret.text));
	return ret;
}

/* ---- a store ---- */

static bool start(void)
{
	const struct slots_options options = {.config_path = host.config_path};
	struct buf errors = {0};
	int r = slots_open(&options, &host.f->slots, &errors);
	ASSERT(r == 0 || errors.len > 0);
	buf_done(&errors);
	return r == 0;
}

static bool look(struct served ret[2])
{
	if (!start())
		return false;
	(void)slots_follow(host.f->slots);
	ret[0] = look_at_marker("main/marker");
	ret[1] = look_at_marker("relaxed/marker");
	look_through(DEPLOY_ROOT, 0);
	look_at_control();
	slots_fixture_stop(host.f);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_part part;
	struct served first[2], second[2];
	fuzz_host_restore(&host);
	while (fuzz_next_part(&data, &size, &part))
		fuzz_host_change(&host, &part);
	if (look(first)) {
		ASSERT(look(second));
		for (size_t i = 0; i < ARRAY_SIZE(first); i++)
			ASSERT(first[i].error == second[i].error && strcmp(first[i].text, second[i].text) == 0);
	}
	return 0;
}
