/*
 * govern.c - host and bundle meet here, as sections whose values nobody has looked at: what is taken out need not be
 * right, nor name users and configs that are there.
 */
#include "govern.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"

#define LIST_SHOWN_SIZE 320

/* The kinds of sections that are a bundle's as a whole, or none of its. */
static const char *const governed_kinds[KIND_COUNT] = {
	[KIND_CODE_SIGNING] = "code-signing configs",
	[KIND_FUNCTION] = "functions",
	[KIND_LAYER] = "layers",
	[KIND_PRINCIPAL] = "principals",
};

static enum kind_id kind_of(const struct section *section)
{
	enum kind_id kind;
	const char *argument;
	return kind_parse(section->text, &kind, &argument) ? kind : KIND_COUNT;
}

/* ---- whether a bundle is for this host ---- */

bool govern_is_asked(const struct tree *own)
{
	const struct section *policy = tree_find(own, kinds[KIND_POLICY].name);
	const struct setting *publisher = policy ? section_find(policy, "publisher") : NULL;
	return publisher && publisher->at.file->order == 0;
}

static void join(char *const *words, size_t count, char ret[LIST_SHOWN_SIZE])
{
	size_t len = 0;
	ret[0] = '\0';
	for (size_t i = 0; i < count && len < LIST_SHOWN_SIZE; i++)
		len += (size_t)snprintf(ret + len, LIST_SHOWN_SIZE - len, "%s%s", i > 0 ? " " : "", words[i]);
	if (len >= LIST_SHOWN_SIZE)
		memcpy(ret + LIST_SHOWN_SIZE - sizeof("..."), "...", sizeof("..."));
}

static void report_not_for_host(const struct governing *g, const char *host, char *const *labels, size_t label_count,
				struct report *report)
{
	const struct config_terms *terms = g->terms;
	const struct section *policy = tree_find(g->own, kinds[KIND_POLICY].name);
	char hosts[LIST_SHOWN_SIZE], wanted[LIST_SHOWN_SIZE], own[LIST_SHOWN_SIZE];
	join(terms->hosts, terms->host_count, hosts);
	join(terms->labels, terms->label_count, wanted);
	join(labels, label_count, own);
	report_error(report, policy->at,
		     "policy bundle %" PRIu64
		     " is for %s%s%s%s%s; this host is called %s and has %s%s: [policy] \"host\" "
		     "and \"label\" say so",
		     terms->sequence, hosts[0] ? "the hosts " : "", hosts, hosts[0] && wanted[0] ? " and " : "",
		     wanted[0] ? "those with one of the labels " : "", wanted, quote(host).text,
		     own[0] ? "the labels " : "no label", own);
}

bool govern_is_for_host(const struct governing *g, struct report *report)
{
	const struct section *policy = tree_find(g->own, kinds[KIND_POLICY].name);
	const struct setting *name = section_find(policy, "host");
	char *labels[LIMIT_CONFIG_LIST_ITEMS], default_host[CONFIG_HOST_NAME_MAX + 1];
	size_t count = 0;
	for (size_t i = 0; i < policy->count && count < LIMIT_CONFIG_LIST_ITEMS; i++)
		if (strcmp(policy->settings[i].key, "label") == 0)
			labels[count++] = policy->settings[i].value;
	build_default_host(default_host);
	const char *host = name ? name->value : default_host;
	if (config_terms_are_for(g->terms, host, labels, count))
		return true;
	report_not_for_host(g, host, labels, count, report);
	return false;
}

/* ---- what is not in force ---- */

/* Where something of the host's stands that is governed. */
struct found {
	const struct section *section;
	const char *key; /* NULL: the whole section */
	struct place at;
	enum { BEFORE_A_BUNDLE, BUNDLE_HAS_SUCH, UNCHECKED } why;
};

static char *say(const struct governing *g, const struct found *f)
{
	const char *section = f->section->text;
	char *text;
	int r;
	if (f->why == BEFORE_A_BUNDLE)
		r = asprintf(&text, "[%s] is not in force: no policy bundle has come yet", section);
	else if (f->why == UNCHECKED)
		r = asprintf(&text,
			     "[%s] is not in force: under policy bundle %" PRIu64
			     " a function needs a code-signing config other than \"" CONFIG_NONE "\"",
			     section, g->terms->sequence);
	else if (f->key)
		r = asprintf(&text, "%s of [%s] is not in force: policy bundle %" PRIu64 " says what it is", f->key,
			     section, g->terms->sequence);
	else
		r = asprintf(&text, "[%s] is not in force: this host's %s come from policy bundle %" PRIu64, section,
			     governed_kinds[kind_of(f->section)], g->terms->sequence);
	return r < 0 ? NULL : text;
}

static void refuse(const struct governing *g, const struct found *f, struct report *report)
{
	const char *section = f->section->text;
	uint64_t sequence = g->terms->sequence;
	if (f->why == UNCHECKED)
		report_error(report, f->at,
			     "[%s] has code_signing_config = " CONFIG_NONE ", which policy bundle %" PRIu64
			     " leaves to no host (local = refuse): bind it to a code-signing config, or remove it",
			     section, sequence);
	else
		report_error(report, f->at,
			     "%s%s[%s] is governed by policy bundle %" PRIu64
			     " (local = refuse): remove it, or ask whoever makes the bundles to say it there",
			     f->key ? f->key : "", f->key ? " of " : "", section, sequence);
}

/* Room for one more, doubled at powers of two. */
static struct config_override *add_override(struct config *config)
{
	size_t count = config->override_count;
	if ((count & (count - 1)) == 0) {
		struct config_override *more = reallocarray(config->overrides, count ? 2 * count : 1,
							    sizeof(*config->overrides));
		if (!more)
			return NULL;
		config->overrides = more;
	}
	struct config_override *override = &config->overrides[config->override_count++];
	*override = (struct config_override){0};
	return override;
}

static int note(const struct governing *g, const struct found *f, struct report *report, struct config *config)
{
	if (g->terms && g->terms->local == CONFIG_LOCAL_REFUSE && !g->reports)
		refuse(g, f, report);
	struct config_override *override = add_override(config);
	if (!override)
		return -ENOMEM;
	*override = (struct config_override){
		.file = strdup(f->at.file->shown),
		.path = strdup(f->at.file->path),
		.line = f->at.line,
		.in_conf_d = f->at.file->order > 0,
		.section = strdup(f->section->text),
		.key = f->key ? strdup(f->key) : NULL,
		.text = say(g, f),
	};
	bool is_whole = override->file && override->path && override->section && override->text;
	return is_whole && !(f->key && !override->key) ? 0 : -ENOMEM;
}

/* A section once for each file in which it stands. */
static int note_section(const struct governing *g, struct found f, struct report *report, struct config *config)
{
	const struct section *section = f.section;
	f.at = section->at;
	int r = note(g, &f, report, config);
	for (size_t i = 0; r == 0 && i < section->count; i++) {
		const struct file *before = i > 0 ? section->settings[i - 1].at.file : section->at.file;
		f.at = section->settings[i].at;
		if (f.at.file != before && f.at.file != section->at.file)
			r = note(g, &f, report, config);
	}
	return r;
}

static bool is_unchecked(const struct section *section)
{
	const struct setting *config = section_find(section, "code_signing_config");
	return config && strcmp(config->value, CONFIG_NONE) == 0;
}

/* Of the host's own [vouchfs], what the bundle's says as well. */
static int take_keys(const struct governing *g, struct section *own, struct report *report, struct config *config)
{
	const struct section *given = tree_find(g->given, own->text);
	int r = 0;
	for (size_t i = 0; given && r == 0 && i < own->count;) {
		const struct setting *s = &own->settings[i];
		const struct setting *governed = section_find(given, s->key);
		if (!governed) {
			i++;
			continue;
		}
		r = note(g, &(struct found){own, governed->key, s->at, BUNDLE_HAS_SUCH}, report, config);
		section_remove(own, i);
	}
	return r;
}

static int take_section(const struct governing *g, const bool given[KIND_COUNT], struct section *own,
			struct report *report, struct config *config)
{
	enum kind_id kind = kind_of(own);
	struct found f = {.section = own, .why = g->terms ? BUNDLE_HAS_SUCH : BEFORE_A_BUNDLE};
	if (kind == KIND_VOUCHFS && g->terms)
		return take_keys(g, own, report, config);
	if (kind == KIND_ACCOUNT)
		own->is_dropped = g->terms && tree_find(g->given, own->text);
	if (kind == KIND_COUNT || !governed_kinds[kind])
		return 0;
	if (g->terms && !given[kind]) {
		if (kind != KIND_FUNCTION || !is_unchecked(own))
			return 0;
		f.why = UNCHECKED;
	}
	own->is_dropped = true;
	return note_section(g, f, report, config);
}

static int by_place(const void *a, const void *b)
{
	const struct config_override *x = a, *y = b;
	if (x->in_conf_d != y->in_conf_d)
		return x->in_conf_d ? 1 : -1;
	int order = strcmp(x->path, y->path);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

int govern_apply(const struct governing *g, struct report *report, struct config *config)
{
	bool given[KIND_COUNT + 1] = {0};
	int r = 0;
	for (size_t i = 0; g->terms && i < g->given->section_count; i++)
		given[kind_of(g->given->sections[i])] = true;
	for (size_t i = 0; r == 0 && i < g->own->section_count; i++)
		r = take_section(g, given, g->own->sections[i], report, config);
	if (config->override_count > 1)
		qsort(config->overrides, config->override_count, sizeof(*config->overrides), by_place);
	tree_drop(g->own);
	return r == 0 && g->terms ? tree_move(g->own, g->given) : r;
}
