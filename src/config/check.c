#include "check.h"

#include <string.h>

#include "base/text.h"
#include "members.h"

/* Lists of names for suggestions are cut here; the error stands without one. */
#define CANDIDATES_MAX 256

#define TEXTFILE_SUFFIX ".prom"

/* By their text alone: whoever writes ".." into one of them knows why. */
static bool is_inside(const char *path, const char *directory)
{
	size_t len = strlen(directory);
	while (len > 0 && directory[len - 1] == '/')
		len--;
	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static void check_outside_store(const struct section *section, const char *key, const char *path, struct report *report,
				const struct config *config)
{
	const struct setting *s = section_find(section, key);
	if (s && path && is_inside(path, config->store))
		report_error(report, s->at, "%s = %s: expected a place outside the store, %s", key,
			     quote(s->value).text, quote(config->store).text);
}

/* It is written over and over: a name that nobody else's file has, and that node_exporter reads. */
static void check_textfile(const struct section *section, struct report *report, const struct config *config)
{
	const struct setting *s = section_find(section, "metrics_textfile");
	if (s && config->metrics_textfile && !text_ends_with(config->metrics_textfile, TEXTFILE_SUFFIX))
		report_error(report, s->at,
			     "metrics_textfile = %s: expected a name that ends in " TEXTFILE_SUFFIX
			     ", as node_exporter reads them",
			     quote(s->value).text);
}

static void check_vouchfs(const struct section *section, struct report *report, struct config *config)
{
	config->has_hooks_user = section_find(section, "hooks_user") != NULL;
	check_outside_store(section, "anchor", config->anchor, report, config);
	check_outside_store(section, "metrics_textfile", config->metrics_textfile, report, config);
	check_textfile(section, report, config);
}

/* Who may write conf.d must not choose whose policy is in force. */
static void check_place(const struct section *section, const char *what, struct report *report)
{
	static const char expected[] = "stands in the main file alone: who may write conf.d does not choose whose "
				       "policy is in force; move it there";
	if (section->at.file->order > 0)
		report_error(report, section->at, "%s %s", what, expected);
	for (size_t i = 0; section->at.file->order == 0 && i < section->count; i++)
		if (section->settings[i].at.file->order > 0)
			report_error(report, section->settings[i].at, "%s %s", what, expected);
}

static void check_policy_publishers(const struct section *section, struct report *report, const struct config *config)
{
	for (size_t i = 0; i < section->count; i++) {
		const struct setting *s = &section->settings[i];
		struct arn_profile publisher;
		if (strcmp(s->key, "publisher") == 0 && arn_parse_profile(s->value, strlen(s->value), &publisher) &&
		    !config_find_account(config, publisher.scope.account))
			report_error(report, s->at,
				     "the publisher's account %s is not trusted: there is no [account %s]",
				     publisher.scope.account, publisher.scope.account);
	}
}

/* Arguments of a process are read by everybody, and so is what says where bundles come from. */
static bool has_user(const char *url)
{
	const char *host = strstr(url, "://");
	return host && memchr(host + 3, '@', strcspn(host + 3, "/?#")) != NULL;
}

static void check_policy_source(const struct section *section, struct report *report, const struct config *config)
{
	const struct config_policy *policy = &config->policy;
	const struct setting *source = section_find(section, "source"), *ca = section_find(section, "source_ca");
	const struct setting *user = section_find(section, "source_user");
	if (source && policy->publisher_count == 0)
		report_error(report, source->at, "[policy] has a \"source\" and no \"publisher\"");
	if (source && policy->source && has_user(policy->source))
		report_error(report, source->at,
			     "source: expected a URL without a user name or a password, which everybody could read; a "
			     "bundle's signature needs none");
	if (ca && policy->source && !text_starts_with(policy->source, "https://"))
		report_error(report, ca->at, "source_ca = %s: expected with a source of https:// alone",
			     quote(ca->value).text);
	if (user && policy->source_user == 0)
		report_error(report, user->at, "source_user = %s: expected a user without privileges",
			     quote(user->value).text);
}

static void check_policy(const struct section *section, struct report *report, struct config *config)
{
	struct config_policy *policy = &config->policy;
	policy->has_source_user = section_find(section, "source_user") != NULL;
	policy->slot.has_owner = section_find(section, "owner") != NULL;
	policy->slot.has_group = section_find(section, "group") != NULL;
	check_place(section, "[policy]", report);
	check_policy_publishers(section, report, config);
	check_policy_source(section, report, config);
}

static bool is_of_bundle(const struct section *section)
{
	return section->at.file->members != NULL;
}

/* Its revocation list comes in its bundles. */
static bool is_policy_publisher(const struct config *config, const char *account)
{
	for (size_t i = 0; i < config->policy.publisher_count; i++)
		if (strcmp(config->policy.publishers[i].scope.account, account) == 0)
			return true;
	return false;
}

static void check_account(const struct section *section, struct report *report, struct config *config)
{
	const struct config_account *account = section->item;
	if (!is_of_bundle(section) && is_policy_publisher(config, account->id))
		check_place(section, "the account of a [policy] publisher", report);
	if (!section_find(section, "revocations") && account->revocations_required &&
	    (is_of_bundle(section) || !is_policy_publisher(config, account->id)))
		report_error(report, section->at,
			     "[%s] has no \"revocations\"; where there is no list, say \"revocations_required = no\"",
			     section->text);
}

/* A bundle is whole: what it trusts is not for a host to say. */
static bool has_account(const struct section *section, const struct config *config, const char *id)
{
	const struct config_account *account = config_find_account(config, id);
	return account && (account->in_bundle || !is_of_bundle(section));
}

static void check_publishers(const struct section *section, struct report *report, const struct config *config)
{
	const char *known[CANDIDATES_MAX];
	size_t count = 0;
	for (size_t i = 0; i < config->account_count && count < CANDIDATES_MAX; i++)
		if (has_account(section, config, config->accounts[i].id))
			known[count++] = config->accounts[i].id;

	for (size_t i = 0; i < section->count; i++) {
		const struct setting *s = &section->settings[i];
		struct arn_profile publisher;
		if (strcmp(s->key, "allowed_publisher") != 0 ||
		    !arn_parse_profile(s->value, strlen(s->value), &publisher) ||
		    has_account(section, config, publisher.scope.account))
			continue;
		report_error(report, s->at, "the publisher's account %s is not trusted: there is no [account %s]%s%s",
			     publisher.scope.account, publisher.scope.account,
			     is_of_bundle(section) ? " in the bundle" : "",
			     suggest(publisher.scope.account, known, count).text);
	}
}

/* By whose time stamps a bundle's config judges is for the bundle to say. */
static bool has_timestamp_authority(const struct section *section, const struct config *config)
{
	return is_of_bundle(section) ? config->timestamp_authority_text != NULL : config->timestamp_authority != NULL;
}

static void check_code_signing(const struct section *section, struct report *report, struct config *config)
{
	struct config_code_signing *code_signing = section->item;
	if (!section_find(section, "mismatch"))
		code_signing->mismatch = code_signing->deployment;
	if (!section_find(section, "expiry"))
		code_signing->expiry = code_signing->deployment;
	if (!section_find(section, "revocation"))
		code_signing->revocation = code_signing->deployment;
	const struct setting *timestamp = section_find(section, "timestamp");
	if (code_signing->timestamp_required && timestamp && !has_timestamp_authority(section, config))
		report_error(report, timestamp->at,
			     "timestamp = required, but nobody's time stamps are believed: [vouchfs] names no "
			     "timestamp_authority");
	check_publishers(section, report, config);
}

static void report_not_bound(const struct section *section, const struct setting *s, struct report *report,
			     const struct config *config)
{
	const char *known[CANDIDATES_MAX];
	size_t count = 0;
	for (size_t i = 0; i < config->code_signing_count && count < CANDIDATES_MAX; i++)
		if (config->code_signing[i].origin.in_bundle || !is_of_bundle(section))
			known[count++] = config->code_signing[i].name;
	report_error(report, s->at, "there is no [code-signing-config %s]%s%s", quote(s->value).text,
		     is_of_bundle(section) ? " in the bundle" : "", suggest(s->value, known, count).text);
}

static void check_function(const struct section *section, struct report *report, struct config *config)
{
	struct config_slot *slot = section->item;
	slot->has_owner = section_find(section, "owner") != NULL;
	slot->has_group = section_find(section, "group") != NULL;

	const struct setting *s = section_find(section, "code_signing_config");
	if (!s || s->value[0] == '\0' || strcmp(s->value, CONFIG_NONE) == 0)
		return;
	const struct config_code_signing *bound = config_find_code_signing(config, s->value);
	if (bound && (bound->origin.in_bundle || !is_of_bundle(section)))
		slot->code_signing = bound;
	else
		report_not_bound(section, s, report, config);
}

static void check_layer(const struct section *section, struct report *report UNUSED, struct config *config UNUSED)
{
	struct config_slot *layer = section->item;
	layer->has_owner = section_find(section, "owner") != NULL;
	layer->has_group = section_find(section, "group") != NULL;
}

static void check_principal(const struct section *section, struct report *report, struct config *config UNUSED)
{
	if (!section_find(section, "user") && !section_find(section, "group"))
		report_error(report, section->at, "[%s] names no user and no group", section->text);
}

typedef void check_section(const struct section *section, struct report *report, struct config *config);

static check_section *const checks[KIND_COUNT] = {
	[KIND_VOUCHFS] = check_vouchfs,		  [KIND_POLICY] = check_policy,	    [KIND_ACCOUNT] = check_account,
	[KIND_CODE_SIGNING] = check_code_signing, [KIND_FUNCTION] = check_function, [KIND_LAYER] = check_layer,
	[KIND_PRINCIPAL] = check_principal,
};

/* A file of principals is about signing permissions, which name accounts: a key that decides nothing there misleads. */
static void refuse_organization(const struct section *section, struct report *report)
{
	const struct setting *organization = section_find(section, "organization");
	if (organization)
		report_error(report, organization->at,
			     "\"organization\" does not belong here: permissions to sign name accounts");
}

int check_principals(const struct tree *tree, struct report *report)
{
	for (size_t i = 0; i < tree->section_count; i++) {
		const struct section *section = tree->sections[i];
		if (section->item && section->kind == KIND_PRINCIPAL) {
			check_principal(section, report, NULL);
			refuse_organization(section, report);
		} else if (section->item)
			report_error(report, section->at,
				     "[%s] does not belong here; expected [principal ACCOUNT] alone", section->text);
	}
	return check_members(tree, report);
}

void check_host(const struct tree *tree, struct report *report)
{
	const struct section *vouchfs = tree_find(tree, kinds[KIND_VOUCHFS].name);
	if (!vouchfs || is_of_bundle(vouchfs))
		report_error(report, (struct place){.file = tree->files[0]}, "there is no [vouchfs] section");
}

int check_config(const struct tree *tree, struct report *report, struct config *config)
{
	for (size_t i = 0; i < tree->section_count; i++) {
		const struct section *section = tree->sections[i];
		if (section->item)
			checks[section->kind](section, report, config);
	}
	return check_members(tree, report);
}
