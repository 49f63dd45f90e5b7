#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/policy.h"
#include "lookup.h"
#include "names.h"

#define KEYS_MAX	    32 /* of one kind of section */
#define STORE_DEFAULT	    "/var/lib/vouchfs"
#define REGION_DEFAULT	    "local"
#define KEEP_RELEASES	    3
#define STAGING_TTL_S	    (24ULL * 60 * 60)
#define INFLATE_CACHE_BYTES (64ULL * 1024 * 1024)
#define HOOKS_TIMEOUT_S	    10
#define METRICS_INTERVAL_S  60
#define SLOT_MODE	    0775
#define POLICY_SLOT	    "policy"

/* The next struct of a kind, with its name and the defaults; the arrays have room for all. 0 or -ENOMEM. */
typedef int new_item(struct config *config, const char *argument, void **ret_item);

static int new_vouchfs(struct config *config, const char *argument UNUSED, void **ret_item)
{
	*ret_item = config;
	return 0;
}

static int new_policy(struct config *config, const char *argument UNUSED, void **ret_item)
{
	*ret_item = &config->policy;
	return 0;
}

static int new_account(struct config *config, const char *argument, void **ret_item)
{
	struct config_account *account = &config->accounts[config->account_count++];
	(void)snprintf(account->id, sizeof(account->id), "%s", argument);
	account->revocations_required = true;
	*ret_item = account;
	return 0;
}

static int new_code_signing(struct config *config, const char *argument, void **ret_item)
{
	struct config_code_signing *code_signing = &config->code_signing[config->code_signing_count++];
	code_signing->deployment = CONFIG_WARN;
	code_signing->on_load = CONFIG_WARN;
	code_signing->name = strdup(argument);
	code_signing->description = strdup("");
	*ret_item = code_signing;
	return code_signing->name && code_signing->description ? 0 : -ENOMEM;
}

static int new_slot(struct config_slot *slot, const char *argument, void **ret_item)
{
	slot->name = strdup(argument);
	slot->is_pattern = name_is_pattern(argument);
	slot->mode = SLOT_MODE;
	*ret_item = slot;
	return slot->name ? 0 : -ENOMEM;
}

static int new_function(struct config *config, const char *argument, void **ret_item)
{
	return new_slot(&config->functions[config->function_count++], argument, ret_item);
}

static int new_layer(struct config *config, const char *argument, void **ret_item)
{
	return new_slot(&config->layers[config->layer_count++], argument, ret_item);
}

static int new_principal(struct config *config, const char *argument, void **ret_item)
{
	struct config_principal *principal = &config->principals[config->principal_count++];
	(void)snprintf(principal->account, sizeof(principal->account), "%s", argument);
	*ret_item = principal;
	return 0;
}

static new_item *const new_items[KIND_COUNT] = {
	[KIND_VOUCHFS] = new_vouchfs,		[KIND_POLICY] = new_policy,	[KIND_ACCOUNT] = new_account,
	[KIND_CODE_SIGNING] = new_code_signing, [KIND_FUNCTION] = new_function, [KIND_LAYER] = new_layer,
	[KIND_PRINCIPAL] = new_principal,
};

void build_default_host(char ret[CONFIG_HOST_NAME_MAX + 1])
{
	memset(ret, 0, CONFIG_HOST_NAME_MAX + 1);
	if (gethostname(ret, CONFIG_HOST_NAME_MAX) < 0 || ret[0] == '\0')
		(void)snprintf(ret, CONFIG_HOST_NAME_MAX + 1, "localhost");
}

static int set_policy_defaults(struct config_policy *policy)
{
	char name[CONFIG_HOST_NAME_MAX + 1];
	build_default_host(name);
	policy->host = strdup(name);
	policy->poll_interval_s = CONFIG_POLL_INTERVAL_DEFAULT_S;
	policy->slot.name = strdup(POLICY_SLOT);
	policy->slot.mode = SLOT_MODE;
	policy->source_user = (uid_t)-1;
	return policy->host && policy->slot.name ? 0 : -ENOMEM;
}

static int set_defaults(struct config *config)
{
	(void)snprintf(config->region, sizeof(config->region), "%s", REGION_DEFAULT);
	config->keep_releases = KEEP_RELEASES;
	config->max_artifact_bytes = LIMIT_ARTIFACT_BYTES_DEFAULT;
	config->max_unpacked_bytes = LIMIT_UNPACKED_BYTES_DEFAULT;
	config->staging_ttl_s = STAGING_TTL_S;
	config->inflate_cache_bytes = INFLATE_CACHE_BYTES;
	config->hooks_timeout_s = HOOKS_TIMEOUT_S;
	config->errno_style = CONFIG_ERRNO_KEY;
	config->durable = true;
	config->confine_required = true;
	config->metrics_interval_s = METRICS_INTERVAL_S;
	config->store = strdup(STORE_DEFAULT);
	return config->store ? set_policy_defaults(&config->policy) : -ENOMEM;
}

/* One more than needed, so that none is of size zero. */
static int allocate(struct config *config, const size_t count[KIND_COUNT])
{
	config->accounts = calloc(count[KIND_ACCOUNT] + 1, sizeof(*config->accounts));
	config->code_signing = calloc(count[KIND_CODE_SIGNING] + 1, sizeof(*config->code_signing));
	config->functions = calloc(count[KIND_FUNCTION] + 1, sizeof(*config->functions));
	config->layers = calloc(count[KIND_LAYER] + 1, sizeof(*config->layers));
	config->principals = calloc(count[KIND_PRINCIPAL] + 1, sizeof(*config->principals));
	return config->accounts && config->code_signing && config->functions && config->layers && config->principals
		       ? 0
		       : -ENOMEM;
}

static void report_header(const struct section *section, enum kind_id kind, struct report *report)
{
	const char *text = section->text;
	if (kind == KIND_COUNT) {
		const char *names[KIND_COUNT];
		for (size_t i = 0; i < KIND_COUNT; i++)
			names[i] = kinds[i].name;
		char word[LIMIT_CONFIG_SECTION_BYTES + 1];
		(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, " "), text);
		report_error(report, section->at, "unknown section [%s]%s", text,
			     suggest(word, names, KIND_COUNT).text);
	} else if (kinds[kind].argument) {
		report_error(report, section->at, "[%s]: expected [%s NAME] with %s", text, kinds[kind].name,
			     kinds[kind].argument);
	} else {
		report_error(report, section->at, "[%s]: expected [%s] alone", text, kinds[kind].name);
	}
}

static int build_items(struct tree *tree, struct report *report, struct config *config)
{
	size_t count[KIND_COUNT] = {0};
	for (size_t i = 0; i < tree->section_count; i++) {
		enum kind_id kind;
		const char *argument;
		if (kind_parse(tree->sections[i]->text, &kind, &argument))
			count[kind]++;
		else
			report_header(tree->sections[i], kind, report);
	}

	int r = allocate(config, count);
	for (size_t i = 0; r == 0 && i < tree->section_count; i++) {
		struct section *section = tree->sections[i];
		enum kind_id kind;
		const char *argument;
		if (!kind_parse(section->text, &kind, &argument))
			continue;
		section->kind = kind;
		r = new_items[kind](config, argument, &section->item);
	}
	return r;
}

/* The names that were probably meant: of this kind of section, else the one that has such a key. */
static struct quote suggest_key(const struct kind *kind, const struct setting *s)
{
	const char *names[KEYS_MAX];
	size_t count = 0;
	for (const struct key *key = kind->keys; key->name; key++) {
		ASSERT(count < KEYS_MAX);
		names[count++] = key->name;
	}
	struct quote hint = suggest(s->key, names, count);
	bool is_of_these = kind >= kinds && kind < kinds + KIND_COUNT;
	for (size_t i = 0; is_of_these && hint.text[0] == '\0' && i < KIND_COUNT; i++)
		if (kind_find_key(&kinds[i], s->key))
			(void)snprintf(hint.text, sizeof(hint.text), "; it is a key of [%s%s]", kinds[i].name,
				       kinds[i].argument ? " NAME" : "");
	return hint;
}

/* first: where the same key was set before, or NULL. */
static int set_key(const struct section *section, const struct setting *s, const struct key *key,
		   const struct setting *first, void *item, struct report *report)
{
	if (first && !key->list) {
		report_error(report, s->at, "\"%s\" is set twice in [%s]; first at %s", key->name, section->text,
			     place_text(first->at).text);
		return 0;
	}
	if (s->value[0] == '\0') {
		report_error(report, s->at, "\"%s\" has no value", key->name);
		return 0;
	}
	return key->set ? key->set(key, s, item, report) : 0;
}

/* [vouchfs] of a bundle says what it likes to, of which nothing is required. */
static bool is_required(const struct kind *kind, const struct key *key, const struct section *section)
{
	return key->required && !(kind == &kinds[KIND_VOUCHFS] && section->at.file->members);
}

int build_keys(const struct kind *kind, const struct section *section, void *item, struct report *report)
{
	const struct key *keys = kind->keys;
	const struct setting *first[KEYS_MAX] = {0};

	for (size_t i = 0; i < section->count; i++) {
		const struct setting *s = &section->settings[i];
		const struct key *key = kind_find_key(kind, s->key);
		if (!key) {
			report_error(report, s->at, "unknown key %s in [%s]%s", quote(s->key).text, section->text,
				     suggest_key(kind, s).text);
			continue;
		}
		ASSERT(key - keys < KEYS_MAX);
		const struct setting **seen = &first[key - keys];
		int r = set_key(section, s, key, *seen, item, report);
		if (r < 0)
			return r;
		if (!*seen)
			*seen = s;
	}
	for (const struct key *key = keys; key->name; key++)
		if (is_required(kind, key, section) && !first[key - keys])
			report_error(report, section->at, "[%s] has no \"%s\"", section->text, key->name);
	return 0;
}

/* Where the items that commands edit come from. 0 or -ENOMEM. */
static int set_origin(const struct section *section)
{
	struct config_origin *origin;
	if (section->kind == KIND_ACCOUNT)
		((struct config_account *)section->item)->in_bundle = section->at.file->members != NULL;
	if (section->kind == KIND_CODE_SIGNING)
		origin = &((struct config_code_signing *)section->item)->origin;
	else if (section->kind == KIND_FUNCTION)
		origin = &((struct config_slot *)section->item)->origin;
	else
		return 0;

	const struct file *file = section->at.file;
	*origin = (struct config_origin){
		.file = strdup(file->shown),
		.line = section->at.line,
		.in_conf_d = file->order > 0 && !file->members,
		.in_bundle = file->members != NULL,
		.mtime_s = file->mtime_s,
		.mtime_ns = file->mtime_ns,
		.owner = file->owner,
		.has_owner = file->has_owner,
	};
	for (size_t i = 0; i < section->count; i++)
		origin->is_split = origin->is_split || section->settings[i].at.file != file;
	return origin->file ? 0 : -ENOMEM;
}

int build_config(struct tree *tree, struct report *report, struct config *config)
{
	int r = set_defaults(config);
	if (r == 0)
		r = build_items(tree, report, config);
	for (size_t i = 0; r == 0 && i < tree->section_count; i++) {
		const struct section *section = tree->sections[i];
		if (section->item)
			r = build_keys(&kinds[section->kind], section, section->item, report);
		if (r == 0 && section->item)
			r = set_origin(section);
	}
	return r < 0 ? r : lookup_prepare(config);
}
