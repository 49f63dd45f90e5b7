#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "fetcher.h"

/* The store is closed to other users, which is of use only where another one fetches. */
static void check_user(const struct service_user *service, struct fetcher_options *options)
{
	char user[ACCESS_USER_SIZE];
	if (options->user.uid == 0)
		explain_set(&options->why_not, "root does not fetch; [policy] source_user names an ordinary user");
	else if (options->user.uid == service->uid)
		explain_set(&options->why_not,
			    "%s serves, whose the store is, and does not fetch; [policy] source_user names another "
			    "user, or `adduser --system --group --no-create-home " FETCHER_USER "` makes one",
			    access_user(service->uid, user));
}

static void choose_user(const struct config *config, const struct service_user *service,
			struct fetcher_options *options)
{
	options->user = *service;
	if (geteuid() != 0)
		return;
	const struct passwd *user = NULL;
	if (config->policy.has_source_user) {
		user = getpwuid(config->policy.source_user);
	} else {
		user = getpwnam(FETCHER_USER);
		if (!user)
			user = getpwnam(FETCHER_NOBODY);
	}
	if (!user) {
		explain_set(&options->why_not, "there is no user who could fetch; [policy] source_user names one");
		return;
	}
	options->user = (struct service_user){.uid = user->pw_uid, .gid = user->pw_gid};
	check_user(service, options);
}

static bool copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

int fetcher_options_make(const struct config *config, const struct service_user *service, struct fetcher_options *ret)
{
	const struct config_policy *policy = &config->policy;
	struct fetcher_options options = {.interval_s = policy->poll_interval_s};
	choose_user(config, service, &options);
	if (policy->publisher_count > 0 &&
	    (!copy_text(policy->source, &options.source) || !copy_text(policy->source_ca, &options.ca))) {
		fetcher_options_done(&options);
		return -ENOMEM;
	}
	*ret = options;
	return 0;
}

int fetcher_options_copy(const struct fetcher_options *options, struct fetcher_options *ret)
{
	struct fetcher_options copied = *options;
	copied.ca = NULL;
	if (!copy_text(options->source, &copied.source) || !copy_text(options->ca, &copied.ca)) {
		fetcher_options_done(&copied);
		return -ENOMEM;
	}
	*ret = copied;
	return 0;
}

void fetcher_options_done(struct fetcher_options *options)
{
	free(options->source);
	free(options->ca);
	*options = (struct fetcher_options){0};
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool fetcher_options_equal(const struct fetcher_options *a, const struct fetcher_options *b)
{
	return is_same(a->source, b->source) && is_same(a->ca, b->ca) && a->interval_s == b->interval_s &&
	       a->user.uid == b->user.uid && a->user.gid == b->user.gid &&
	       strcmp(a->why_not.text, b->why_not.text) == 0;
}
