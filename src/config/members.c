#include "members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "keys.h"

#define CONF_D	       CONFIG_CONF_D "/"
#define PREFIX	       "policy.zip:"
#define CANDIDATES_MAX 256

int members_init(struct members *members, const struct config_members *of, bool is_packed)
{
	*members = (struct members){.of = of, .is_packed = is_packed, .prefix = is_packed ? "" : PREFIX};
	members->is_named = calloc(of->count + 1, sizeof(*members->is_named));
	return members->is_named ? 0 : -ENOMEM;
}

void members_done(struct members *members)
{
	free(members->is_named);
	members->is_named = NULL;
}

/* ---- reading ---- */

static struct file *add_file(const struct members *members, const char *name, struct tree *tree)
{
	char *shown;
	if (asprintf(&shown, "%s%s", members->prefix, name) < 0)
		return NULL;
	struct file *file = tree_add_file(tree, shown, "");
	free(shown);
	return file;
}

static bool is_drop_in(const char *name)
{
	if (!text_starts_with(name, CONF_D))
		return false;
	const char *file = name + strlen(CONF_D);
	return file[0] != '.' && !strchr(file, '/') && text_ends_with(file, ".conf");
}

static int read_member(struct members *members, const struct config_member *member, struct tree *tree,
		       struct report *report)
{
	struct file *file = add_file(members, member->name, tree);
	if (!file)
		return -ENOMEM;
	file->members = members;
	if (member->len <= LIMIT_CONFIG_FILE_BYTES)
		return tree_parse(tree, file, member->bytes, member->len, report);
	report_error(report, (struct place){.file = file}, "larger than %u bytes", LIMIT_CONFIG_FILE_BYTES);
	return 0;
}

/* A name that the ZIP of a bundle has, and no configuration. */
static int refuse_member(const struct members *members, const char *name, const char *text, struct tree *tree,
			 struct report *report)
{
	struct place whole = {.file = add_file(members, name, tree)};
	if (!whole.file)
		return -ENOMEM;
	report_error(report, whole, "%s", text);
	return 0;
}

/* ---- what a bundle may say ---- */

static void refuse_key(const struct setting *s, struct report *report)
{
	char allowed[200] = "";
	size_t len = 0;
	for (const struct key *key = kinds[KIND_VOUCHFS].keys; key->name; key++) {
		if (!key->in_bundle)
			continue;
		len += (size_t)snprintf(allowed + len, sizeof(allowed) - len, "%s%s", len > 0 ? ", " : "", key->name);
		ASSERT(len < sizeof(allowed));
	}
	report_error(report, s->at, "%s of [vouchfs] is each host's own; a bundle may set %s", quote(s->key).text,
		     allowed);
}

/* Unknown keys stay, to be reported as in any section. */
static void refuse_keys(struct section *section, struct report *report)
{
	for (size_t i = section->count; i-- > 0;) {
		const struct key *key = kind_find_key(&kinds[KIND_VOUCHFS], section->settings[i].key);
		if (!key || key->in_bundle)
			continue;
		refuse_key(&section->settings[i], report);
		section_remove(section, i);
	}
}

static void refuse_sections(struct tree *sections, struct report *report)
{
	for (size_t i = 0; i < sections->section_count; i++) {
		struct section *section = sections->sections[i];
		enum kind_id kind;
		const char *argument;
		if (!kind_parse(section->text, &kind, &argument))
			continue;
		if (kind == KIND_VOUCHFS)
			refuse_keys(section, report);
		section->is_dropped = kind == KIND_POLICY;
		if (section->is_dropped)
			report_error(report, section->at,
				     "[policy] does not belong into conf.d of a bundle: what a bundle says of itself "
				     "stands in " CONFIG_TERMS_FILE ", and whose bundles count is each host's own");
	}
	tree_drop(sections);
}

int members_read(struct members *members, struct tree *terms, struct tree *sections, struct report *report)
{
	bool has_terms = false;
	int r = 0;
	for (size_t i = 0; r == 0 && i < members->of->count; i++) {
		const struct config_member *member = &members->of->all[i];
		bool is_terms = strcmp(member->name, CONFIG_TERMS_FILE) == 0;
		has_terms = has_terms || is_terms;
		if (is_terms || is_drop_in(member->name))
			r = read_member(members, member, is_terms ? terms : sections, report);
		else if (!text_starts_with(member->name, CONFIG_TERMS_TRUST))
			r = refuse_member(members, member->name,
					  "not a file of a bundle; expected " CONFIG_TERMS_FILE
					  ", conf.d/<name>.conf or trust/<file>",
					  sections, report);
	}
	if (r == 0 && !has_terms)
		r = refuse_member(members, CONFIG_TERMS_FILE,
				  "a bundle must have it: [policy] with at least a \"sequence\"", sections, report);
	if (r == 0)
		refuse_sections(sections, report);
	return r;
}

/* ---- files that sections name ---- */

const struct config_member *members_name(struct members *members, const char *name)
{
	if (!text_starts_with(name, CONFIG_TERMS_TRUST))
		return NULL;
	for (size_t i = 0; i < members->of->count; i++) {
		if (strcmp(members->of->all[i].name, name) == 0) {
			members->is_named[i] = true;
			return &members->of->all[i];
		}
	}
	return NULL;
}

struct quote members_suggest(const struct members *members, const char *name)
{
	const char *known[CANDIDATES_MAX];
	size_t count = 0;
	for (size_t i = 0; i < members->of->count && count < CANDIDATES_MAX; i++)
		if (text_starts_with(members->of->all[i].name, CONFIG_TERMS_TRUST))
			known[count++] = members->of->all[i].name;
	return suggest(name, known, count);
}

int members_check_named(const struct members *members, struct tree *sections, struct report *report)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < members->of->count; i++)
		if (!members->is_named[i] && text_starts_with(members->of->all[i].name, CONFIG_TERMS_TRUST))
			r = refuse_member(members, members->of->all[i].name,
					  "no section of the bundle names this file; name it, or take it out", sections,
					  report);
	return r;
}
