#include "signers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "gate/governed.h"
#include "service.h"
#include "signer.h"

#define ENV_HOME "VOUCHFS_SIGNER_HOME"

/* False: out of memory. */
static bool set(char **to, const char *text)
{
	*to = strdup(text);
	return *to;
}

/* ---- trust files ---- */

static int add_origins(const struct config *config, struct overview_signers *to)
{
	for (size_t i = 0; i < config->code_signing_count; i++) {
		const struct config_code_signing *section = &config->code_signing[i];
		struct overview_origin *origin = overview_add_origin(to);
		if (!origin || !set(&origin->config, section->name) || !set(&origin->file, section->origin.file))
			return -ENOMEM;
		origin->line = section->origin.line;
	}
	return 0;
}

static int add_revoked(const struct revocation_list *list, struct overview_signers *to)
{
	char arn[ARN_TEXT_SIZE];
	for (size_t i = 0; i < list->entry_count; i++) {
		const struct revocation *entry = &list->entries[i];
		if (entry->kind != REVOCATION_PROFILE_VERSION)
			continue;
		struct overview_revoked *revoked = overview_add_revoked(to);
		arn_print_profile(&entry->profile_version, arn);
		if (!revoked || !set(&revoked->profile_version_arn, arn) || !set(&revoked->reason, entry->reason))
			return -ENOMEM;
		revoked->effective_s = entry->effective_s;
		revoked->revoked_at_s = entry->revoked_at_s;
	}
	return 0;
}

/* A configuration that cannot be read here tells nothing; whoever needs it says so. */
static int add_trust(const char *config_path, struct overview_signers *to)
{
	struct trust *trust = NULL;
	struct buf errors = {0};
	int r = governed_trust_load(config_path, &trust, &errors);
	buf_done(&errors);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = add_origins(trust->config, to);
	for (size_t i = 0; r == 0 && i < trust->account_count; i++)
		if (trust->accounts[i].list)
			r = add_revoked(trust->accounts[i].list, to);
	trust_unref(trust);
	return r;
}

/* ---- a home ---- */

static int add_statements(const struct signer_permissions *permissions, struct overview_profile *to)
{
	for (size_t i = 0; i < permissions->count; i++) {
		const struct signer_statement *from = &permissions->statements[i];
		struct overview_statement *statement = overview_add_statement(to);
		if (!statement || !set(&statement->id, from->id) ||
		    !set(&statement->action, signer_action_name(from->action)) ||
		    !set(&statement->principal, from->principal) ||
		    (from->version[0] && !set(&statement->version, from->version)))
			return -ENOMEM;
	}
	return 0;
}

/* A profile without a statement is its owner's alone. */
static int add_home_profile(struct signer *signer, const struct signer_profile *from, struct overview_signers *to,
			    struct explain *ret_why)
{
	struct overview_profile *profile = overview_add_profile(to);
	struct signer_permissions permissions = {0};
	if (!profile || !set(&profile->name, from->arn.name) || !set(&profile->version, from->arn.version) ||
	    !set(&profile->status, signer_status_name(from->status)))
		return -ENOMEM;
	int r = signer_list_permissions(signer, from->arn.name, &permissions, ret_why);
	if (r == 0)
		r = add_statements(&permissions, profile);
	signer_permissions_done(&permissions);
	return r == -ENOENT ? 0 : r;
}

static int add_home(const char *home, struct overview_signers *to, struct explain *ret_why)
{
	struct signer *signer = NULL;
	struct signer_profile *profiles = NULL;
	size_t count = 0;
	int r = signer_open(home, &signer, ret_why);
	if (r < 0)
		return r;
	r = signer_list_profiles(signer, &profiles, &count, ret_why);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_home_profile(signer, &profiles[i], to, ret_why);
	if (r == 0 && (!set(&to->account, signer_scope(signer)->account) || asprintf(&to->source, "home %s", home) < 0))
		r = -ENOMEM;
	free(profiles);
	signer_close(signer);
	return r;
}

/* ---- a service ---- */

/* A service shows a profile to those whom a statement lets do something with it, and its statements to nobody. */
static int add_service_profile(const struct service *service, const char *name, struct overview_signers *to)
{
	struct overview_profile *profile = overview_add_profile(to);
	struct buf text = {0};
	struct explain why = {0};
	if (!profile || !set(&profile->name, name) ||
	    asprintf(&profile->hidden,
		     "account %s, for which this user acts, may do something with it; all its statements are in "
		     "the account's home, for its owner: vouchfs signer list-profile-permissions --profile-name %s",
		     service->caller, name) < 0)
		return -ENOMEM;
	int r = service_get_profile(service, name, &text, &why);
	if (r == 0)
		r = overview_read_profile(text.data ? text.data : "", text.len, profile);
	buf_done(&text);
	return r == -ENOMEM ? r : 0; /* its status is not for everybody who sees it */
}

static int add_service(const char *path, struct overview_signers *to, struct explain *ret_why)
{
	struct service service = SERVICE_NONE;
	struct io_names names = {0};
	int r = service_open(path, &service, ret_why);
	if (r < 0)
		return r;
	r = io_list_dir(service.root, ".", &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (arn_is_profile_name(names.names[i], strlen(names.names[i])))
			r = add_service_profile(&service, names.names[i], to);
	if (r == 0 && (!set(&to->account, service.account) || asprintf(&to->source, "service %s", path) < 0))
		r = -ENOMEM;
	io_names_done(&names);
	service_close(&service);
	return r;
}

/* ---- either ---- */

/* What is found stays, so that the rest can be shown without it. */
static int ask_signer(const struct signers_options *options, struct overview_signers *to, struct explain *ret_why)
{
	const char *service = cli_signer_service(options->home, options->service);
	const char *home = options->home ? options->home : getenv(ENV_HOME);
	if (service)
		return add_service(service, to, ret_why);
	return home && home[0] ? add_home(home, to, ret_why) : 0;
}

int cli_find_signers(const struct cli_command *command, const char *config_path, const struct signers_options *options,
		     struct overview_signers **ret)
{
	struct explain why = {0};
	bool is_named = options->home || options->service;
	if (options->home && options->service)
		return cli_usage_error(command, "--service does not go with --home: it is one or the other");
	struct overview_signers *signers = overview_signers_new();
	int r = signers ? add_trust(config_path, signers) : -ENOMEM;
	if (r == 0) {
		r = ask_signer(options, signers, &why);
		if (r < 0)
			cli_error("%swho may sign cannot be told: %s",
				  is_named ? "" : "notice: ", why.text[0] ? why.text : strerror(-r));
		r = is_named ? r : 0;
	}
	if (r < 0)
		overview_signers_free(signers);
	else
		*ret = signers;
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}
