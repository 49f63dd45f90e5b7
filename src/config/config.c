/*
 * config.c - the passes of a load, and who a caller is in what came out.
 *
 *     source.c   the files, in order, each judged as a file
 *     scan.c     lines that inih cannot misread; the rest is reported
 *     tree.c     inih; sections of all files merged, each setting with its place
 *     build.c    the tables of keys.c, converters of values.c: structs
 *     lookup.c   finding by name, in no more than the logarithm of how many there are
 *     check.c    across sections
 *     canonical.c
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "canonical.h"
#include "check.h"
#include "config/policy.h"
#include "source.h"

/* Everything after the files are read. Errors are in the report. */
static int load_tree(struct tree *tree, struct report *report, struct config *config)
{
	bool all_was_read = report->count == 0;
	tree_sort(tree);
	int r = build_config(tree, report, config);
	if (r < 0)
		return r;
	if (all_was_read) /* else sections may be missing only because their lines were refused */
		r = check_config(tree, report, config);
	if (r == 0 && report->count > 0)
		r = -EINVAL;
	return r < 0 ? r : canonical_fill(config);
}

static int load_principals(struct tree *tree, struct report *report, struct config *config)
{
	bool all_was_read = report->count == 0;
	tree_sort(tree);
	int r = build_config(tree, report, config);
	if (r == 0 && all_was_read)
		r = check_principals(tree, report);
	return r == 0 && report->count > 0 ? -EINVAL : r;
}

/* directory_fd -1: a whole configuration, with the change; else the principals in that directory. */
static int load(int directory_fd, const char *path, const struct config_change *change, struct config **ret,
		struct buf *ret_errors)
{
	struct tree tree = {0};
	struct report report = {0};
	struct config *config = calloc(1, sizeof(*config));
	int r = -ENOMEM;
	if (!config)
		goto out;

	if (directory_fd < 0)
		r = source_read(path, change, &tree, &report, &config->path);
	else
		r = source_read_alone(directory_fd, path, &tree, &report);
	if (r == 0)
		r = directory_fd < 0 ? load_tree(&tree, &report, config) : load_principals(&tree, &report, config);
	int printed = report_print(&report, ret_errors);
	if (printed < 0)
		r = printed;
	if (r == 0) {
		*ret = config;
		config = NULL;
	}
out:
	config_free(config);
	tree_done(&tree);
	report_done(&report);
	return r;
}

int config_load(const char *path, struct config **ret, struct buf *ret_errors)
{
	return load(-1, path, NULL, ret, ret_errors);
}

int config_load_changed(const char *path, const struct config_change *change, struct config **ret,
			struct buf *ret_errors)
{
	return load(-1, path, change, ret, ret_errors);
}

int config_load_principals(int directory_fd, const char *name, struct config **ret, struct buf *ret_errors)
{
	ASSERT(directory_fd >= 0);
	return load(directory_fd, name, NULL, ret, ret_errors);
}

static void free_code_signing(struct config_code_signing *code_signing)
{
	free(code_signing->name);
	free(code_signing->description);
	free(code_signing->canonical);
	free(code_signing->origin.file);
}

static void free_policy(struct config_policy *policy)
{
	for (size_t i = 0; i < policy->label_count; i++)
		free(policy->labels[i]);
	free(policy->labels);
	free(policy->source);
	free(policy->source_ca);
	free(policy->host);
	free(policy->slot.name);
	free(policy->slot.origin.file);
}

static void free_overrides(struct config_override *overrides, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(overrides[i].file);
		free(overrides[i].path);
		free(overrides[i].section);
		free(overrides[i].key);
		free(overrides[i].text);
	}
	free(overrides);
}

/* The arrays may be there without items, never the other way round. */
void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->account_count; i++) {
		free(config->accounts[i].certificate);
		free(config->accounts[i].revocations);
		free(config->accounts[i].certificate_text);
		free(config->accounts[i].revocations_text);
	}
	for (size_t i = 0; i < config->code_signing_count; i++)
		free_code_signing(&config->code_signing[i]);
	for (size_t i = 0; i < config->function_count; i++) {
		free(config->functions[i].name);
		free(config->functions[i].origin.file);
	}
	for (size_t i = 0; i < config->layer_count; i++)
		free(config->layers[i].name);
	for (size_t i = 0; i < config->principal_count; i++) {
		free(config->principals[i].users);
		free(config->principals[i].groups);
	}
	free(config->accounts);
	free(config->code_signing);
	free(config->functions);
	free(config->layers);
	free(config->principals);
	free(config->function_patterns.all);
	free(config->layer_patterns.all);
	free(config->path);
	free(config->store);
	free(config->anchor);
	free(config->metrics_textfile);
	free(config->user);
	free(config->timestamp_authority);
	free(config->timestamp_authority_text);
	free_policy(&config->policy);
	free_overrides(config->overrides, config->override_count);
	config_terms_free(config->terms);
	free(config->hooks);
	free(config->canonical);
	free(config);
}

static bool contains(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

const struct config_principal *config_find_principal(const struct config *config, uid_t uid, const gid_t *gids,
						     size_t gid_count)
{
	for (size_t i = 0; i < config->principal_count; i++)
		if (contains(config->principals[i].users, config->principals[i].user_count, uid))
			return &config->principals[i];
	for (size_t g = 0; g < gid_count; g++)
		for (size_t i = 0; i < config->principal_count; i++)
			if (contains(config->principals[i].groups, config->principals[i].group_count, gids[g]))
				return &config->principals[i];
	return NULL;
}

const struct config_principal *config_identify(const struct config *config, uid_t uid,
					       bool (*in_group)(void *ctx, gid_t group), void *ctx)
{
	const struct config_principal *by_user = config_find_principal(config, uid, NULL, 0);
	if (by_user || !in_group)
		return by_user;
	for (size_t i = 0; i < config->principal_count; i++)
		for (size_t g = 0; g < config->principals[i].group_count; g++)
			if (in_group(ctx, config->principals[i].groups[g]))
				return &config->principals[i];
	return NULL;
}

const char *config_mode_name(enum config_mode mode)
{
	switch (mode) {
	case CONFIG_ENFORCE:
		return "Enforce";
	case CONFIG_WARN:
		return "Warn";
	case CONFIG_IGNORE:
		return "Ignore";
	}
	ASSERT(false);
	return NULL;
}
