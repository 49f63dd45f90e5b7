/* The struct's life, and what is looked up in it. */
#include "overview/signers.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct overview_signers *overview_signers_new(void)
{
	return calloc(1, sizeof(struct overview_signers));
}

/* ---- freeing ---- */

static void statement_done(struct overview_statement *statement)
{
	free(statement->id);
	free(statement->action);
	free(statement->principal);
	free(statement->version);
}

static void profile_done(struct overview_profile *profile)
{
	free(profile->name);
	free(profile->version);
	free(profile->status);
	free(profile->hidden);
	for (size_t i = 0; i < profile->statement_count; i++)
		statement_done(&profile->statements[i]);
	free(profile->statements);
}

void overview_signers_free(struct overview_signers *signers)
{
	if (!signers)
		return;
	for (size_t i = 0; i < signers->profile_count; i++)
		profile_done(&signers->profiles[i]);
	for (size_t i = 0; i < signers->revoked_count; i++) {
		free(signers->revoked[i].profile_version_arn);
		free(signers->revoked[i].reason);
	}
	for (size_t i = 0; i < signers->origin_count; i++) {
		free(signers->origins[i].config);
		free(signers->origins[i].file);
	}
	free(signers->profiles);
	free(signers->revoked);
	free(signers->origins);
	free(signers->account);
	free(signers->source);
	free(signers);
}

/* ---- adding ---- */

/* A zeroed element behind the others; the array is exchanged for one that has it. */
static void *add(void **array, size_t *count, size_t size)
{
	char *grown = reallocarray(*array, *count + 1, size);
	if (!grown)
		return NULL;
	*array = grown;
	return memset(grown + size * (*count)++, 0, size);
}

struct overview_profile *overview_add_profile(struct overview_signers *signers)
{
	void *array = signers->profiles, *added = add(&array, &signers->profile_count, sizeof(*signers->profiles));
	signers->profiles = array;
	return added;
}

struct overview_statement *overview_add_statement(struct overview_profile *profile)
{
	void *array = profile->statements;
	void *added = add(&array, &profile->statement_count, sizeof(*profile->statements));
	profile->statements = array;
	return added;
}

struct overview_revoked *overview_add_revoked(struct overview_signers *signers)
{
	void *array = signers->revoked, *added = add(&array, &signers->revoked_count, sizeof(*signers->revoked));
	signers->revoked = array;
	return added;
}

struct overview_origin *overview_add_origin(struct overview_signers *signers)
{
	void *array = signers->origins, *added = add(&array, &signers->origin_count, sizeof(*signers->origins));
	signers->origins = array;
	return added;
}

/* ---- reading ---- */

static int read_text(const json_t *object, const char *key, char **ret)
{
	const char *text = json_string_value(json_object_get(object, key));
	if (!text)
		return -EBADMSG;
	free(*ret);
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int overview_read_profile(const char *text, size_t len, struct overview_profile *profile)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	int r = read_text(root, "status", &profile->status);
	if (r == 0)
		r = read_text(root, "profileVersion", &profile->version);
	json_decref(root);
	return r;
}

/* ---- looking up ---- */

const struct overview_profile *overview_find_profile(const struct overview_signers *signers, const char *account,
						     const char *name)
{
	if (!signers || !signers->account || strcmp(signers->account, account) != 0)
		return NULL;
	for (size_t i = 0; i < signers->profile_count; i++)
		if (strcmp(signers->profiles[i].name, name) == 0)
			return &signers->profiles[i];
	return NULL;
}

const struct overview_revoked *overview_find_revoked(const struct overview_signers *signers,
						     const char *profile_version_arn)
{
	for (size_t i = 0; signers && i < signers->revoked_count; i++)
		if (strcmp(signers->revoked[i].profile_version_arn, profile_version_arn) == 0)
			return &signers->revoked[i];
	return NULL;
}

const struct overview_origin *overview_find_origin(const struct overview_signers *signers, const char *config)
{
	for (size_t i = 0; signers && i < signers->origin_count; i++)
		if (strcmp(signers->origins[i].config, config) == 0)
			return &signers->origins[i];
	return NULL;
}
