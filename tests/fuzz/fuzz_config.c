/*
 * Throws configurations at their readers. An input is files: `vouchfs.conf`, `conf.d/<name>.conf`, those of a policy
 * bundle (`bundle/policy.conf`, `bundle/conf.d/...`, `bundle/trust/...`), and `principals`.
 *
 * What must hold: nothing crashes; what is refused says why, in lines that a terminal may show; what is accepted says
 * the same when it is read again, whatever locale, time zone and umask are; a section that a command would write is
 * written again to the same text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/limits.h"
#include "config/edit.h"
#include "config/policy.h"
#include "fuzz.h"

#define MEMBERS_MAX 16
#define BUNDLE	    "bundle/"

struct input {
	const char *directory;
	struct config_member members[MEMBERS_MAX];
	char *names[MEMBERS_MAX], *texts[MEMBERS_MAX];
	struct config_members bundle;
};

static void add_member(struct input *input, const struct fuzz_part *part)
{
	size_t at = input->bundle.count;
	if (at == MEMBERS_MAX)
		return;
	input->names[at] = strdup(part->name + strlen(BUNDLE));
	input->texts[at] = fuzz_copy(part->bytes, part->len);
	ASSERT(input->names[at]);
	input->members[at] = (struct config_member){input->names[at], input->texts[at], part->len};
	input->bundle.all = input->members;
	input->bundle.count++;
}

static void read_input(const uint8_t *data, size_t size, struct input *input)
{
	struct fuzz_part part;
	while (fuzz_next_part(&data, &size, &part))
		if (strncmp(part.name, BUNDLE, strlen(BUNDLE)) == 0)
			add_member(input, &part);
		else
			(void)fuzz_write_file(input->directory, part.name, part.bytes, part.len, 0644);
}

static void check_errors(int r, const struct buf *errors)
{
	ASSERT(r == 0 ? errors->len == 0 : errors->len > 0 && errors->data[errors->len - 1] == '\n');
	for (size_t i = 0; i < errors->len; i++)
		ASSERT(errors->data[i] == '\n' || (errors->data[i] >= ' ' && errors->data[i] <= '~'));
}

/* ---- whole configurations ---- */

static void check_config(const struct config *config)
{
	ASSERT(config->canonical && config->account[0] != '\0' && config->store[0] == '/');
	ASSERT(config->keep_releases > 0 && config->max_artifact_bytes > 0 && config->policy.host);
	for (size_t i = 0; i < config->code_signing_count; i++)
		ASSERT(config_find_code_signing(config, config->code_signing[i].name) == &config->code_signing[i]);
	for (size_t i = 0; i < config->account_count; i++)
		ASSERT(config_find_account(config, config->accounts[i].id) == &config->accounts[i]);
	for (size_t i = 0; i < config->function_count; i++) {
		const struct config_slot *function = &config->functions[i];
		ASSERT(function->is_pattern || config_find_function(config, function->name) == function);
		ASSERT((function->mode & ~(mode_t)0775) == 0);
	}
}

static int load(const struct input *input, bool governed, struct config **ret, struct buf *errors)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/vouchfs.conf", input->directory);
	int r = config_load_governed(path, governed ? &input->bundle : NULL, ret, errors);
	ASSERT(r == 0 || r == -EINVAL || r == -ENOENT || r == -EFBIG);
	check_errors(r, errors);
	return r;
}

static bool has_policy(const struct config *config)
{
	return config->policy.publisher_count > 0;
}

/* In every world the same. */
static void try_load(const struct input *input, bool governed)
{
	char *canonical = NULL;
	int before = 0;
	for (unsigned world = 0; world < FUZZ_WORLDS; world++) {
		struct config *config = NULL;
		struct buf errors = {0};
		fuzz_enter_world(world);
		int r = load(input, governed, &config, &errors);
		if (r == 0)
			check_config(config);
		ASSERT(world == 0 || (r == before && (r < 0 || strcmp(canonical, config->canonical) == 0)));
		if (world == 0 && r == 0)
			canonical = strdup(config->canonical);
		before = r;
		bool is_governed = r == 0 && !governed && has_policy(config);
		config_free(config);
		buf_done(&errors);
		if (world == 0 && is_governed)
			try_load(input, true);
	}
	free(canonical);
}

static void try_bundle(const struct input *input)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int r = config_load_bundle(&input->bundle, &config, &errors);
	check_errors(r, &errors);
	ASSERT(r < 0 || (config->terms && config->terms->sequence > 0));
	config_free(config);
	buf_done(&errors);
}

static void try_principals(const struct input *input)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int dirfd = io_open_dir(input->directory);
	ASSERT(dirfd >= 0);
	int r = config_load_principals(dirfd, "principals", &config, &errors);
	ASSERT(r == -ENOENT || r == 0 || errors.len > 0);
	ASSERT(r < 0 || !config_find_principal(config, 0, NULL, 0) || config->principal_count > 0);
	config_free(config);
	buf_done(&errors);
	io_close(&dirfd);
}

/* ---- what commands write ---- */

static void try_edit(const struct input *input)
{
	static const struct config_line lines[] = {{"code_signing_config", "approved"}, {"mode", NULL}};
	const struct config_section_text section = {"function main", "create-function", lines, ARRAY_SIZE(lines)};
	struct buf before = {0}, first = {0}, second = {0};
	struct explain why = {0};
	int dirfd = io_open_dir(input->directory);
	ASSERT(dirfd >= 0);
	if (io_read_file(dirfd, "vouchfs.conf", LIMIT_CONFIG_FILE_BYTES, &before) == 0 && before.data &&
	    !memchr(before.data, '\0', before.len) && config_edit_is_mine(before.data, section.section)) {
		ASSERT(config_edit_render(&section, before.data, &first, &why) == 0);
		ASSERT(config_edit_is_mine(first.data, section.section));
		ASSERT(config_edit_render(&section, first.data, &second, &why) == 0);
		ASSERT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	}
	buf_done(&before);
	buf_done(&first);
	buf_done(&second);
	io_close(&dirfd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char directory[128];
	(void)snprintf(directory, sizeof(directory), "%s/etc", fuzz_directory());
	struct input input = {.directory = directory};
	fuzz_enter_world(0);
	(void)fuzz_write_file(directory, "vouchfs.conf", "", 0, 0644);
	read_input(data, size, &input);
	try_load(&input, false);
	if (input.bundle.count > 0)
		try_bundle(&input);
	try_principals(&input);
	try_edit(&input);
	for (size_t i = 0; i < input.bundle.count; i++) {
		free(input.names[i]);
		free(input.texts[i]);
	}
	fuzz_enter_world(0);
	fuzz_remove_tree(directory);
	return 0;
}
