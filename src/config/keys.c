#include "keys.h"

#include <string.h>

#include "base/text.h"
#include "names.h"
#include "values.h"

#define SIZE_4GIB	    4294967295ULL /* ZIP without its 64-bit extension */
#define INFLATE_CACHE_MAX   (64ULL * 1024 * 1024 * 1024)
#define STAGING_TTL_MAX_S   (365ULL * 24 * 60 * 60)
#define KEEP_RELEASES_MAX   1000
#define HOOKS_TIMEOUT_MAX_S 86400
#define METRICS_PAUSE_MAX_S (24ULL * 60 * 60)
#define POLL_INTERVAL_MAX_S (24ULL * 60 * 60)

static const struct choice on_deployment[] = {{"Warn", CONFIG_WARN}, {"Enforce", CONFIG_ENFORCE}, {0}};
static const struct choice on_load[] = {
	{"Ignore", CONFIG_IGNORE}, {"Warn", CONFIG_WARN}, {"Enforce", CONFIG_ENFORCE}, {0}};
static const struct choice errno_style[] = {{"key", CONFIG_ERRNO_KEY}, {"permission", CONFIG_ERRNO_PERMISSION}, {0}};
static const struct choice durability[] = {{"commit", true}, {"none", false}, {0}};
static const struct choice confine[] = {{"require", true}, {"try", false}, {0}};
static const struct choice timestamp[] = {{"required", true}, {"optional", false}, {0}};
static const struct choice log_targets[] = {{"auto", LOG_TO_AUTO},     {"journal", LOG_TO_JOURNAL},
					    {"syslog", LOG_TO_SYSLOG}, {"stderr", LOG_TO_STDERR},
					    {"json", LOG_TO_JSON},     {0}};
static const struct choice yes_no[] = {{"yes", true}, {"no", false}, {0}};

#define AT(field)   .offset = offsetof(struct config, field)
#define TEXT(field) .text_offset = offsetof(struct config, field)
static const struct key vouchfs_keys[] = {
	{"account", value_set_account, AT(account), .required = true},
	{"region", value_set_region, AT(region)},
	{"store", value_set_path, AT(store)},
	{"anchor", value_set_path, AT(anchor)},
	{"keep_releases", value_set_unsigned, AT(keep_releases), .min = 1, .max = KEEP_RELEASES_MAX, .in_bundle = true},
	{"max_artifact_size", value_set_u64, AT(max_artifact_bytes), .min = 1, .max = SIZE_4GIB, .in_bundle = true},
	{"max_unpacked_size", value_set_u64, AT(max_unpacked_bytes), .min = 1, .max = SIZE_4GIB, .in_bundle = true},
	{"staging_ttl", value_set_duration, AT(staging_ttl_s), .min = 1, .max = STAGING_TTL_MAX_S, .in_bundle = true},
	{"user", value_set_word, AT(user)},
	{"inflate_cache", value_set_u64, AT(inflate_cache_bytes), .max = INFLATE_CACHE_MAX},
	{"errno_style", value_set_choice, AT(errno_style), .choices = errno_style, .in_bundle = true},
	{"durability", value_set_flag, AT(durable), .choices = durability, .in_bundle = true},
	{"confine", value_set_flag, AT(confine_required), .choices = confine},
	{"timestamp_authority", value_set_trust, AT(timestamp_authority), TEXT(timestamp_authority_text),
	 .in_bundle = true},
	{"log", value_set_choice, AT(log), .choices = log_targets},
	{"hooks", value_set_path, AT(hooks)},
	{"hooks_user", value_set_owner, AT(hooks_user)},
	{"hooks_timeout", value_set_duration, AT(hooks_timeout_s), .min = 1, .max = HOOKS_TIMEOUT_MAX_S},
	{"metrics_textfile", value_set_path, AT(metrics_textfile)},
	{"metrics_interval", value_set_duration, AT(metrics_interval_s), .min = 1, .max = METRICS_PAUSE_MAX_S},
	{0},
};
#undef AT
#undef TEXT

#define AT(field) .offset = offsetof(struct config_policy, field)
static const struct key policy_keys[] = {
	{"publisher", value_add_policy_publisher, .list = true},
	{"source", value_set_url, AT(source)},
	{"source_ca", value_set_path, AT(source_ca)},
	{"source_user", value_set_owner, AT(source_user)},
	{"poll_interval", value_set_duration, AT(poll_interval_s), .min = 1, .max = POLL_INTERVAL_MAX_S},
	{"host", value_set_host, AT(host)},
	{"label", value_add_label, .list = true},
	{"owner", value_set_owner, AT(slot.owner)},
	{"group", value_set_group, AT(slot.group)},
	{"mode", value_set_mode, AT(slot.mode)},
	{0},
};
#undef AT

#define AT(field)   .offset = offsetof(struct config_account, field)
#define TEXT(field) .text_offset = offsetof(struct config_account, field)
static const struct key account_keys[] = {
	{"certificate", value_set_trust, AT(certificate), TEXT(certificate_text), .required = true},
	{"revocations", value_set_trust, AT(revocations), TEXT(revocations_text), .on_host = true},
	{"revocations_required", value_set_flag, AT(revocations_required), .choices = yes_no},
	{0},
};
#undef AT
#undef TEXT

#define AT(field) .offset = offsetof(struct config_code_signing, field)
static const struct key code_signing_keys[] = {
	{"description", value_set_text, AT(description)},
	{"allowed_publisher", value_add_publisher, .list = true, .required = true},
	{"untrusted_artifact_on_deployment", value_set_choice, AT(deployment), .choices = on_deployment},
	{"untrusted_artifact_on_load", value_set_choice, AT(on_load), .choices = on_load},
	{"mismatch", value_set_choice, AT(mismatch), .choices = on_deployment},
	{"expiry", value_set_choice, AT(expiry), .choices = on_deployment},
	{"revocation", value_set_choice, AT(revocation), .choices = on_deployment},
	{"formats", .set = value_set_formats},
	{"timestamp", value_set_flag, AT(timestamp_required), .choices = timestamp},
	{0},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_slot, field)
static const struct key function_keys[] = {
	{"code_signing_config", .required = true},
	{"owner", value_set_owner, AT(owner)},
	{"group", value_set_group, AT(group)},
	{"mode", value_set_mode, AT(mode)},
	{0},
};

static const struct key layer_keys[] = {
	{"owner", value_set_owner, AT(owner)},
	{"group", value_set_group, AT(group)},
	{"mode", value_set_mode, AT(mode)},
	{0},
};
#undef AT

#define AT(field) .offset = offsetof(struct config_principal, field)
static const struct key principal_keys[] = {
	{"user", value_add_user, .list = true},
	{"group", value_add_group, .list = true},
	{"organization", value_set_organization, AT(organization)},
	{0},
};
#undef AT

static bool is_account(const char *text)
{
	return arn_is_account(text, strlen(text));
}

const struct kind kinds[KIND_COUNT] = {
	[KIND_VOUCHFS] = {"vouchfs", NULL, NULL, vouchfs_keys},
	[KIND_POLICY] = {"policy", NULL, NULL, policy_keys},
	[KIND_ACCOUNT] = {"account", "an account id of 12 digits", is_account, account_keys},
	[KIND_CODE_SIGNING] = {"code-signing-config", "a name of letters, digits, \"_\" and \"-\" other than \"none\"",
			       config_is_code_signing_name, code_signing_keys},
	[KIND_FUNCTION] = {"function", "a name of letters, digits, \"_\" and \"-\", or a pattern with single \"*\"",
			   name_is_slot, function_keys},
	[KIND_LAYER] = {"layer", "a name of letters, digits, \"_\" and \"-\", or a pattern with single \"*\"",
			name_is_slot, layer_keys},
	[KIND_PRINCIPAL] = {"principal", "an account id of 12 digits", is_account, principal_keys},
};

bool kind_parse(const char *section_text, enum kind_id *ret_kind, const char **ret_argument)
{
	size_t len = strcspn(section_text, " ");
	const char *argument = section_text[len] == ' ' ? section_text + len + 1 : "";

	*ret_kind = KIND_COUNT;
	for (unsigned i = 0; i < KIND_COUNT; i++)
		if (text_equal(section_text, len, kinds[i].name))
			*ret_kind = (enum kind_id)i;
	if (*ret_kind == KIND_COUNT)
		return false;
	*ret_argument = argument;
	if (!kinds[*ret_kind].argument)
		return section_text[len] == '\0';
	return kinds[*ret_kind].is_argument(argument);
}

const struct key *kind_find_key(const struct kind *kind, const char *name)
{
	for (const struct key *key = kind->keys; key->name; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}
