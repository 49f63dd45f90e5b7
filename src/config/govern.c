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
#include "override.h"

/* ---- whether a bundle is for this host ---- */

bool govern_is_asked(const struct tree *own)
{
	const struct section *policy = tree_find(own, kinds[KIND_POLICY].name);
	const struct setting *publisher = policy ? section_find(policy, "publisher") : NULL;
	return publisher && publisher->at.file->order == 0;
}

bool govern_is_for_host(const struct governing *g, struct report *report)
{
	const struct section *policy = tree_find(g->own, kinds[KIND_POLICY].name);
	const struct setting *name = section_find(policy, "host");
	char *labels[LIMIT_CONFIG_LIST_ITEMS], default_host[CONFIG_HOST_NAME_MAX + 1];
	struct explain why;
	size_t count = 0;
	for (size_t i = 0; i < policy->count && count < LIMIT_CONFIG_LIST_ITEMS; i++)
		if (strcmp(policy->settings[i].key, "label") == 0)
			labels[count++] = policy->settings[i].value;
	build_default_host(default_host);
	const char *host = name ? name->value : default_host;
	if (config_terms_are_for(g->terms, host, labels, count))
		return true;
	config_terms_explain(g->terms, host, labels, count, &why);
	report_error(report, policy->at, "%s", why.text);
	return false;
}

/* ---- what is not in force ---- */

/* A section once for each file in which it stands. */
static int note_section(const struct governing *g, struct found f, struct report *report, struct config *config)
{
	const struct section *section = f.section;
	f.at = section->at;
	int r = override_note(g, &f, report, config);
	for (size_t i = 0; r == 0 && i < section->count; i++) {
		const struct file *before = i > 0 ? section->settings[i - 1].at.file : section->at.file;
		f.at = section->settings[i].at;
		if (f.at.file != before && f.at.file != section->at.file)
			r = override_note(g, &f, report, config);
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
		r = override_note(g, &(struct found){own, governed->key, s->at, GOVERNED}, report, config);
		section_remove(own, i);
	}
	return r;
}

static int take_section(const struct governing *g, const bool given[KIND_COUNT], struct section *own,
			struct report *report, struct config *config)
{
	enum kind_id kind = override_kind(own->text);
	struct found f = {.section = own, .why = GOVERNED};
	if (kind == KIND_VOUCHFS && g->terms)
		return take_keys(g, own, report, config);
	if (kind == KIND_ACCOUNT)
		own->is_dropped = g->terms && tree_find(g->given, own->text);
	if (kind == KIND_COUNT || !override_kinds[kind])
		return 0;
	if (g->terms && !given[kind]) {
		if (kind != KIND_FUNCTION || !is_unchecked(own))
			return 0;
		f.why = UNCHECKED;
	}
	own->is_dropped = true;
	return note_section(g, f, report, config);
}

int govern_apply(const struct governing *g, struct report *report, struct config *config)
{
	bool given[KIND_COUNT + 1] = {0};
	int r = 0;
	for (size_t i = 0; g->terms && i < g->given->section_count; i++)
		given[override_kind(g->given->sections[i]->text)] = true;
	for (size_t i = 0; r == 0 && i < g->own->section_count; i++)
		r = take_section(g, given, g->own->sections[i], report, config);
	override_sort(config);
	tree_drop(g->own);
	return r == 0 && g->terms ? tree_move(g->own, g->given) : r;
}
