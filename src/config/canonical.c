/*
 * canonical.c - "key: value" lines in a fixed order, values escaped, lists sorted, an empty line before each section.
 * The sections come sorted by name already (tree_sort).
 */
#include "canonical.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/policy.h"

/* Keeps the first failure, so that the lines below read as what they print. */
struct printer {
	struct buf out;
	int error;
};

static void keep(struct printer *p, int r)
{
	if (p->error == 0 && r < 0)
		p->error = r;
}

static void put_text(struct printer *p, const char *key, const char *value)
{
	if (!value)
		return;
	char *shown = malloc(4 * strlen(value) + 8);
	if (!shown) {
		keep(p, -ENOMEM);
		return;
	}
	(void)text_escape_print(shown, 4 * strlen(value) + 8, value, strlen(value));
	keep(p, buf_printf(&p->out, "%s: %s\n", key, shown));
	free(shown);
}

static void put_number(struct printer *p, const char *key, uint64_t value)
{
	keep(p, buf_printf(&p->out, "%s: %" PRIu64 "\n", key, value));
}

static void put_flag(struct printer *p, const char *key, bool value)
{
	put_text(p, key, value ? "yes" : "no");
}

static void put_section(struct printer *p, const char *kind, const char *name)
{
	keep(p, buf_putc(&p->out, '\n'));
	put_text(p, kind, name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void put_publishers(struct printer *p, const char *key, const struct arn_profile *publishers, size_t count)
{
	char arns[CONFIG_PUBLISHERS_MAX][ARN_TEXT_SIZE];
	for (size_t i = 0; i < count; i++)
		arn_print_profile(&publishers[i], arns[i]);
	qsort(arns, count, sizeof(arns[0]), by_text);
	for (size_t i = 0; i < count; i++)
		put_text(p, key, arns[i]);
}

static int by_word(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

/* words is sorted in place: their order means nothing. */
static void put_words(struct printer *p, const char *key, char **words, size_t count)
{
	if (count > 1)
		qsort(words, count, sizeof(*words), by_word);
	for (size_t i = 0; i < count; i++)
		put_text(p, key, words[i]);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* ids is sorted in place: their order means nothing. */
static void put_ids(struct printer *p, const char *key, uint32_t *ids, size_t count)
{
	if (count > 1)
		qsort(ids, count, sizeof(*ids), by_number);
	for (size_t i = 0; i < count; i++)
		put_number(p, key, ids[i]);
}

static void put_access(struct printer *p, const uid_t *owner, const gid_t *group, mode_t mode)
{
	if (owner)
		put_number(p, "owner", *owner);
	if (group)
		put_number(p, "group", *group);
	keep(p, buf_printf(&p->out, "mode: %04o\n", (unsigned)mode));
}

static void put_vouchfs(struct printer *p, const struct config *config)
{
	put_text(p, "account", config->account);
	put_text(p, "region", config->region);
	put_text(p, "store", config->store);
	put_text(p, "anchor", config->anchor);
	put_number(p, "keep-releases", config->keep_releases);
	put_number(p, "max-artifact-size", config->max_artifact_bytes);
	put_number(p, "max-unpacked-size", config->max_unpacked_bytes);
	put_number(p, "staging-ttl", config->staging_ttl_s);
	put_text(p, "user", config->user);
	put_number(p, "inflate-cache", config->inflate_cache_bytes);
	put_text(p, "errno-style", config->errno_style == CONFIG_ERRNO_KEY ? "key" : "permission");
	put_text(p, "timestamp-authority", config->timestamp_authority);
	put_text(p, "timestamp-authority-text", config->timestamp_authority_text);
	put_text(p, "durability", config->durable ? "commit" : "none");
	put_text(p, "confine", config->confine_required ? "require" : "try");
	put_text(p, "log", log_target_name(config->log));
	put_text(p, "hooks", config->hooks);
	if (config->has_hooks_user)
		put_number(p, "hooks-user", config->hooks_user);
	put_number(p, "hooks-timeout", config->hooks_timeout_s);
	put_text(p, "metrics-textfile", config->metrics_textfile);
	put_number(p, "metrics-interval", config->metrics_interval_s);
}

static void put_policy(struct printer *p, const struct config_policy *policy)
{
	if (policy->publisher_count == 0)
		return;
	keep(p, buf_puts(&p->out, "\npolicy:\n"));
	put_publishers(p, "publisher", policy->publishers, policy->publisher_count);
	put_text(p, "source", policy->source);
	put_text(p, "source-ca", policy->source_ca);
	if (policy->has_source_user)
		put_number(p, "source-user", policy->source_user);
	put_number(p, "poll-interval", policy->poll_interval_s);
	put_text(p, "host", policy->host);
	put_words(p, "label", policy->labels, policy->label_count);
	put_access(p, policy->slot.has_owner ? &policy->slot.owner : NULL,
		   policy->slot.has_group ? &policy->slot.group : NULL, policy->slot.mode);
}

static void put_terms(struct printer *p, struct config_terms *terms)
{
	if (!terms)
		return;
	keep(p, buf_puts(&p->out, "\npolicy-bundle:\n"));
	put_number(p, "sequence", terms->sequence);
	put_text(p, "description", terms->description);
	put_words(p, "hosts", terms->hosts, terms->host_count);
	put_words(p, "labels", terms->labels, terms->label_count);
	put_text(p, "local", terms->local == CONFIG_LOCAL_REFUSE ? "refuse" : "report");
	put_flag(p, "remediate", terms->remediate);
	for (size_t i = 0; i < terms->unit_count; i++)
		put_text(p, terms->unit[i].name, terms->unit[i].value);
}

static void put_trust(struct printer *p, const struct config *config)
{
	for (size_t i = 0; i < config->account_count; i++) {
		const struct config_account *account = &config->accounts[i];
		put_section(p, "account", account->id);
		put_text(p, "certificate", account->certificate);
		put_text(p, "certificate-text", account->certificate_text);
		put_text(p, "revocations", account->revocations);
		put_text(p, "revocations-text", account->revocations_text);
		put_flag(p, "revocations-required", account->revocations_required);
	}
	for (size_t i = 0; i < config->code_signing_count; i++) {
		const struct config_code_signing *code_signing = &config->code_signing[i];
		put_section(p, "code-signing-config", code_signing->name);
		put_text(p, "description", code_signing->description);
		put_text(p, "deployment", config_mode_name(code_signing->deployment));
		keep(p, buf_puts(&p->out, code_signing->canonical));
	}
}

static void put_slots(struct printer *p, const struct config *config)
{
	for (size_t i = 0; i < config->function_count; i++) {
		const struct config_slot *slot = &config->functions[i];
		put_section(p, "function", slot->name);
		put_text(p, "code-signing-config", slot->code_signing ? slot->code_signing->name : CONFIG_NONE);
		put_access(p, slot->has_owner ? &slot->owner : NULL, slot->has_group ? &slot->group : NULL, slot->mode);
	}
	for (size_t i = 0; i < config->layer_count; i++) {
		const struct config_slot *layer = &config->layers[i];
		put_section(p, "layer", layer->name);
		put_access(p, layer->has_owner ? &layer->owner : NULL, layer->has_group ? &layer->group : NULL,
			   layer->mode);
	}
}

static void put_principals(struct printer *p, const struct config *config)
{
	for (size_t i = 0; i < config->principal_count; i++) {
		const struct config_principal *principal = &config->principals[i];
		put_section(p, "principal", principal->account);
		put_ids(p, "user", principal->users, principal->user_count);
		put_ids(p, "group", principal->groups, principal->group_count);
		put_text(p, "organization", principal->organization[0] != '\0' ? principal->organization : NULL);
	}
}

static int finish(struct printer *p, char **ret)
{
	char *text = p->error == 0 ? buf_steal(&p->out) : NULL;
	buf_done(&p->out);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

static int fill_code_signing(struct config_code_signing *code_signing)
{
	struct printer p = {0};
	put_publishers(&p, "allowed-publisher", code_signing->publishers, code_signing->publisher_count);
	put_text(&p, "mismatch", config_mode_name(code_signing->mismatch));
	put_text(&p, "expiry", config_mode_name(code_signing->expiry));
	put_text(&p, "revocation", config_mode_name(code_signing->revocation));
	put_text(&p, "on-load", config_mode_name(code_signing->on_load));
	put_flag(&p, "timestamp-required", code_signing->timestamp_required);
	return finish(&p, &code_signing->canonical);
}

static int fill_all_code_signing(struct config *config)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < config->code_signing_count; i++)
		r = fill_code_signing(&config->code_signing[i]);
	return r;
}

int canonical_fill(struct config *config)
{
	struct printer p = {0};
	int r = fill_all_code_signing(config);
	if (r < 0)
		return r;
	put_vouchfs(&p, config);
	put_policy(&p, &config->policy);
	put_terms(&p, config->terms);
	put_trust(&p, config);
	put_slots(&p, config);
	put_principals(&p, config);
	return finish(&p, &config->canonical);
}

static int by_setting(const void *a, const void *b)
{
	const struct setting *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order ? order : strcmp(x->value, y->value);
}

/* A section's settings are sorted in place: nobody asks for their order any more. */
static void put_as_written(struct printer *p, struct section *section)
{
	put_section(p, "section", section->text);
	if (section->count > 1)
		qsort(section->settings, section->count, sizeof(*section->settings), by_setting);
	for (size_t i = 0; i < section->count; i++)
		put_text(p, section->settings[i].key, section->settings[i].value);
}

int canonical_fill_bundle(struct config *config, const struct tree *sections)
{
	struct printer p = {0};
	int r = fill_all_code_signing(config);
	if (r < 0)
		return r;
	put_terms(&p, config->terms);
	for (size_t i = 0; i < sections->section_count; i++)
		put_as_written(&p, sections->sections[i]);
	return finish(&p, &config->canonical);
}
