/*
 * trust_load.c - from the configuration's path to a trust, which on a governed host is made twice: of the host's own
 * files, by which the bundle in the store is proved, and then of these and the bundle.
 *
 * A bundle that cannot be relied on does not keep the host from being loaded: nothing that is governed is in force
 * then, so nothing gets in, and the mount is there to take the bundle again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "govern.h"
#include "trust_make.h"

int govern_make_local(const struct govern_making *making, struct trust **ret, struct buf *ret_errors)
{
	struct config *config = NULL;
	struct trust *local = NULL;
	int r = config_load(making->config_path, &config, ret_errors);
	if (r == 0)
		r = trust_make(config, &local, ret_errors);
	if (r != 0)
		return r;
	r = trust_read_lists(local, NULL, making->store, making->remembers);
	if (r < 0) {
		trust_unref(local);
		return r;
	}
	*ret = local;
	return 0;
}

static int make_with(const struct govern_making *making, const struct governed *governed, struct trust **ret,
		     struct buf *ret_errors)
{
	struct config *config = NULL;
	const struct config_members *bundle = governed->bundle ? bundle_members(governed->bundle) : NULL;
	int r = config_load_governed(making->config_path, bundle, &config, ret_errors);
	return r < 0 ? r : trust_make(config, ret, ret_errors);
}

/*
 * Is it refused for what the host's own files say of what is governed (local = refuse)? Then it is they that have to be
 * put right, not the bundle.
 */
static bool is_overridden(const struct govern_making *making, const struct governed *governed)
{
	struct config *config = NULL;
	struct buf unused = {0};
	int r = config_load_changed(making->config_path, NULL, bundle_members(governed->bundle), &config, &unused);
	bool is_overridden = r == 0 && config->override_count > 0;
	config_free(config);
	buf_done(&unused);
	return is_overridden;
}

/* Errors of a bundle that was accepted are no reason not to load, but why it is lost: the first of them. */
static void lose_by_errors(struct governed *governed, const struct buf *errors)
{
	struct explain why;
	const char *text = errors->data ? errors->data : "";
	explain_set(&why, "this host's configuration would be refused with it: %.*s", (int)strcspn(text, "\n"), text);
	govern_lose(governed, why.text);
}

static int make_either(const struct govern_making *making, struct governed *governed, struct trust **ret,
		       struct buf *ret_errors)
{
	struct buf errors = {0};
	int r = make_with(making, governed, ret, &errors);
	if (r == -EINVAL && governed->bundle && making->is_settled && !is_overridden(making, governed)) {
		lose_by_errors(governed, &errors);
		buf_reset(&errors);
		r = make_with(making, governed, ret, &errors);
	}
	if (r < 0 && errors.len > 0 && buf_append(ret_errors, errors.data, errors.len) < 0)
		r = -ENOMEM;
	buf_done(&errors);
	return r;
}

int govern_make(const struct govern_making *making, struct trust *local, struct governed *governed, struct trust **ret,
		struct buf *ret_errors)
{
	struct trust *trust = NULL;
	int r = make_either(making, governed, &trust, ret_errors);
	if (r < 0) {
		govern_free(governed);
		trust_unref(local);
		return r;
	}
	trust->local = local;
	trust->governed = governed;
	r = trust_read_lists(trust, local->config, making->store, making->remembers);
	if (r == 0)
		r = trust_read_lists(local, trust->config, making->store, making->remembers);
	if (r < 0) {
		trust_unref(trust);
		return r;
	}
	govern_weigh(governed, local);
	*ret = trust;
	return 0;
}

static int load(const struct govern_making *making, struct trust **ret, struct buf *ret_errors)
{
	struct trust *local = NULL;
	struct governed *governed = NULL;
	int r = govern_make_local(making, &local, ret_errors);
	if (r != 0)
		return r;
	if (!making->store || local->config->policy.publisher_count == 0) {
		*ret = local;
		return 0;
	}
	r = govern_find(local, making->store, &governed);
	if (r < 0) {
		trust_unref(local);
		return r;
	}
	if (making->remembers && governed->highest_sequence > 0)
		govern_remember(governed, making->store);
	return govern_make(making, local, governed, ret, ret_errors);
}

int trust_load(const char *config_path, struct store *store, struct trust **ret, struct buf *ret_errors)
{
	const struct govern_making making = {
		.config_path = config_path, .store = store, .remembers = true, .is_settled = true};
	return load(&making, ret, ret_errors);
}

int trust_preview(const char *config_path, struct store *store, struct trust **ret, struct buf *ret_errors)
{
	const struct govern_making making = {.config_path = config_path, .store = store, .is_settled = true};
	return load(&making, ret, ret_errors);
}

/* ---- for commands, which look beside the daemon ---- */

static int refuse_store(int error, const char *why, struct buf *ret_errors)
{
	int r = buf_printf(
		ret_errors,
		"this host is governed by policy bundles, and which one is in force stands in the store: %s\n"
		"run this as root or as the service user; of a mount that runs, MNT/policy shows it\n",
		why);
	return r < 0 ? r : error;
}

/* No store yet is no failure: then nothing can be in force. */
static int open_store(const struct config *config, struct store **ret, struct buf *ret_errors)
{
	const struct store_options options = {.path = config->store, .read_only = true, .anchor = config->anchor};
	struct explain why = {0};
	int r = store_open(&options, ret, &why);
	if (r == 0 || r == -ENOENT || r == -ENOMEM)
		return r == -ENOENT ? 0 : r;
	if (config->policy.publisher_count > 0)
		return refuse_store(r, why.text, ret_errors);
	if (r == -EACCES)
		return 0;
	return buf_printf(ret_errors, "warning: what the store remembers of revocation lists is not used: %s\n",
			  why.text);
}

int governed_trust_load(const char *path, struct trust **ret, struct buf *ret_errors)
{
	struct config *config = NULL;
	struct store *store = NULL;
	int r = config_load(path, &config, ret_errors);
	if (r == 0)
		r = open_store(config, &store, ret_errors);
	if (r == 0)
		r = trust_load(path, store, ret, ret_errors);
	store_close(store);
	config_free(config);
	return r;
}

int governed_config_load(const char *path, struct config **ret, struct buf *ret_errors)
{
	struct config *config = NULL;
	struct trust *trust = NULL;
	int r = config_load(path, &config, ret_errors);
	if (r == 0 && config->policy.publisher_count > 0) {
		config_free(config);
		config = NULL;
		r = governed_trust_load(path, &trust, ret_errors);
		if (r == 0) {
			config = trust->config;
			trust->config = NULL;
		}
		trust_unref(trust);
	}
	if (r == 0)
		*ret = config;
	return r;
}
