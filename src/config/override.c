#include "override.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const override_kinds[KIND_COUNT] = {
	[KIND_CODE_SIGNING] = "code-signing configs",
	[KIND_FUNCTION] = "functions",
	[KIND_LAYER] = "layers",
	[KIND_PRINCIPAL] = "principals",
};

enum kind_id override_kind(const char *section_text)
{
	enum kind_id kind;
	const char *argument;
	return kind_parse(section_text, &kind, &argument) ? kind : KIND_COUNT;
}

static char *say(const struct governing *g, const struct found *f)
{
	const char *section = f->section->text;
	enum kind_id kind = override_kind(section);
	char *text;
	ASSERT(kind < KIND_COUNT);
	int r;
	if (!g->terms)
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
			     override_kinds[kind], g->terms->sequence);
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
static struct config_override *add(struct config *config)
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

int override_note(const struct governing *g, const struct found *f, struct report *report, struct config *config)
{
	if (g->terms && g->terms->local == CONFIG_LOCAL_REFUSE && !g->reports)
		refuse(g, f, report);
	struct config_override *override = add(config);
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

static int by_place(const void *a, const void *b)
{
	const struct config_override *x = a, *y = b;
	if (x->in_conf_d != y->in_conf_d)
		return x->in_conf_d ? 1 : -1;
	int order = strcmp(x->path, y->path);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

void override_sort(struct config *config)
{
	if (config->override_count > 1)
		qsort(config->overrides, config->override_count, sizeof(*config->overrides), by_place);
}

/* ---- for those who would like to write such a section ---- */

/* All of a kind are the bundle's, or none. */
static bool is_of_bundle(const struct config *config, enum kind_id kind)
{
	if (kind == KIND_CODE_SIGNING)
		return config->code_signing_count > 0 && config->code_signing[0].origin.in_bundle;
	if (kind == KIND_FUNCTION)
		return config->function_count > 0 && config->functions[0].origin.in_bundle;
	return false;
}

bool config_is_governed(const struct config *config, const char *section, struct explain *ret_why)
{
	enum kind_id kind = override_kind(section);
	if (config->policy.publisher_count == 0 || kind == KIND_COUNT || !override_kinds[kind])
		return false;
	if (!config->terms)
		explain_set(ret_why, "this host's %s come from policy bundles, and none has come yet",
			    override_kinds[kind]);
	else if (is_of_bundle(config, kind))
		explain_set(ret_why, "this host's %s come from policy bundle %" PRIu64 "; change it there",
			    override_kinds[kind], config->terms->sequence);
	else
		return false;
	return true;
}
