/*
 * config.c - the passes of a load, and who a caller is in what came out.
 *
 *     source.c   the host's files, in order, each judged as a file; members.c those of a policy bundle
 *     scan.c     lines that inih cannot misread; the rest is reported
 *     tree.c     inih; sections of all files merged, each setting with its place
 *     terms.c    policy.conf of a bundle
 *     govern.c   the host's sections and the bundle's become one tree
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
#include "govern.h"
#include "members.h"
#include "source.h"
#include "terms.h"

/* Errors are told of in this order: the host's files, policy.conf, the bundle's other files. */
#define ORDER_TERMS    (2UL * LIMIT_CONFIG_FILES)
#define ORDER_SECTIONS (ORDER_TERMS + 1)

/* A load on its way. */
struct loading {
	struct tree own;      /* the host's files */
	struct tree terms;    /* policy.conf of the bundle */
	struct tree sections; /* its conf.d */
	struct members members;
	struct report report;
	struct config *config;
};

static int begin(struct loading *l, const struct config_members *bundle, bool is_packed)
{
	*l = (struct loading){.terms.first_order = ORDER_TERMS, .sections.first_order = ORDER_SECTIONS};
	l->config = calloc(1, sizeof(*l->config));
	if (!l->config)
		return -ENOMEM;
	return bundle ? members_init(&l->members, bundle, is_packed) : 0;
}

/* Prints the errors, and hands the configuration over when there are none. r: what has failed so far. */
static int finish(struct loading *l, int r, struct config **ret, struct buf *ret_errors)
{
	if (r == 0 && l->report.count > 0)
		r = -EINVAL;
	int printed = report_print(&l->report, ret_errors);
	if (printed < 0)
		r = printed;
	if (r == 0) {
		*ret = l->config;
		l->config = NULL;
	}
	config_free(l->config);
	members_done(&l->members);
	tree_done(&l->own);
	tree_done(&l->terms);
	tree_done(&l->sections);
	report_done(&l->report);
	return r;
}

/* ---- a host ---- */

struct request {
	const char *path;
	const struct config_change *change;
	const struct config_members *bundle;
	bool reports; /* overrides are no errors */
};

static int read_bundle(struct loading *l)
{
	int r = members_read(&l->members, &l->terms, &l->sections, &l->report);
	return r < 0 ? r : terms_build(&l->terms, &l->report, &l->config->terms);
}

static int read_all(struct loading *l, const struct request *request)
{
	int r = source_read(request->path, request->change, &l->own, &l->report, &l->config->path);
	return r == 0 && request->bundle ? read_bundle(l) : r;
}

/* Makes one tree of host and bundle. -EINVAL, reported: they have nothing to do with each other. */
static int govern(struct loading *l, const struct request *request)
{
	const struct governing g = {
		.own = &l->own, .given = &l->sections, .terms = l->config->terms, .reports = request->reports};
	bool is_asked = govern_is_asked(&l->own);
	if (request->bundle && !is_asked)
		report_error(&l->report, (struct place){.file = l->own.files[0]},
			     "there is a policy bundle, and [policy] names no \"publisher\" any more");
	if (!is_asked)
		return request->bundle ? -EINVAL : 0;
	if (l->config->terms && l->report.count == 0 && !govern_is_for_host(&g, &l->report))
		return -EINVAL;
	return govern_apply(&g, &l->report, l->config);
}

/* What one section alone cannot tell. */
static int check(struct loading *l, struct tree *tree)
{
	int r = check_config(tree, &l->report, l->config);
	return r == 0 && l->members.of ? members_check_named(&l->members, &l->sections, &l->report) : r;
}

/* Everything after the files are read. */
static int load_tree(struct loading *l, const struct request *request)
{
	bool all_was_read = l->report.count == 0;
	int r = govern(l, request);
	if (r < 0)
		return r;
	tree_sort(&l->own);
	r = build_config(&l->own, &l->report, l->config);
	if (r == 0 && all_was_read) { /* else sections may be missing only because their lines were refused */
		check_host(&l->own, &l->report);
		r = check(l, &l->own);
	}
	return r == 0 && l->report.count == 0 ? canonical_fill(l->config) : r;
}

static int load_host(const struct request *request, struct config **ret, struct buf *ret_errors)
{
	struct loading l;
	int r = begin(&l, request->bundle, false);
	if (r == 0)
		r = read_all(&l, request);
	if (r == 0)
		r = load_tree(&l, request);
	return finish(&l, r, ret, ret_errors);
}

int config_load(const char *path, struct config **ret, struct buf *ret_errors)
{
	return config_load_governed(path, NULL, ret, ret_errors);
}

int config_load_governed(const char *path, const struct config_members *bundle, struct config **ret,
			 struct buf *ret_errors)
{
	const struct request request = {.path = path, .bundle = bundle};
	return load_host(&request, ret, ret_errors);
}

int config_load_changed(const char *path, const struct config_change *change, const struct config_members *bundle,
			struct config **ret, struct buf *ret_errors)
{
	const struct request request = {.path = path, .change = change, .bundle = bundle, .reports = true};
	return load_host(&request, ret, ret_errors);
}

/* ---- a bundle alone, and a file of principals ---- */

/* The defaults of a host are none of a bundle's. */
static void forget_host(struct config *config)
{
	free(config->store);
	config->store = NULL;
	config->region[0] = config->policy.host[0] = '\0';
}

static int load_sections(struct loading *l)
{
	bool all_was_read = l->report.count == 0;
	tree_sort(&l->sections);
	int r = build_config(&l->sections, &l->report, l->config);
	if (r == 0 && all_was_read)
		r = check(l, &l->sections);
	if (r < 0 || l->report.count > 0)
		return r;
	forget_host(l->config);
	return canonical_fill_bundle(l->config, &l->sections);
}

int config_load_bundle(const struct config_members *bundle, struct config **ret, struct buf *ret_errors)
{
	struct loading l;
	int r = begin(&l, bundle, true);
	if (r == 0)
		r = read_bundle(&l);
	if (r == 0)
		r = load_sections(&l);
	return finish(&l, r, ret, ret_errors);
}

int config_load_principals(int directory_fd, const char *name, struct config **ret, struct buf *ret_errors)
{
	struct loading l;
	ASSERT(directory_fd >= 0);
	int r = begin(&l, NULL, false);
	if (r == 0)
		r = source_read_alone(directory_fd, name, &l.own, &l.report);
	bool all_was_read = l.report.count == 0;
	tree_sort(&l.own);
	if (r == 0)
		r = build_config(&l.own, &l.report, l.config);
	if (r == 0 && all_was_read)
		r = check_principals(&l.own, &l.report);
	return finish(&l, r, ret, ret_errors);
}

/* ---- who a caller is ---- */

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
