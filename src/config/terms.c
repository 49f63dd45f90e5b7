/*
 * terms.c - policy.conf of a bundle: two kinds of sections, each with its table of keys.
 */
#include "terms.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "build.h"
#include "names.h"
#include "values.h"

#define SEQUENCE_MAX	 ((1ULL << 53) - 1) /* what JSON readers take for a whole number */
#define DESCRIPTORS_MAX	 ((1ULL << 31) - 1)
#define WORDS_SHOWN_SIZE 160
#define UMASK_EXPECTED	 "a mask of three or four octal digits, such as 0077"

/* ---- what the process that serves has to look like ---- */

static int add_option(const struct setting *s, void *item)
{
	struct config_terms *terms = item;
	struct config_unit_option *more = reallocarray(terms->unit, terms->unit_count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	terms->unit = more;
	struct config_unit_option *option = &more[terms->unit_count];
	*option = (struct config_unit_option){.name = strdup(s->key), .value = strdup(s->value)};
	terms->unit_count++;
	return option->name && option->value ? 0 : -ENOMEM;
}

static int add_word(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	return strpbrk(s->value, " \t") ? value_refuse(s, report, "one word") : add_option(s, item);
}

static int add_flag(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	if (strcmp(s->value, "yes") != 0 && strcmp(s->value, "no") != 0)
		return value_refuse(s, report, "yes or no");
	return add_option(s, item);
}

static int add_mask(const struct key *key UNUSED, const struct setting *s, void *item, struct report *report)
{
	size_t len = strlen(s->value);
	if (!text_consists_of(s->value, len, "01234567", 3, 4) || (len == 4 && s->value[0] != '0'))
		return value_refuse(s, report, UMASK_EXPECTED);
	return add_option(s, item);
}

static int add_number(const struct key *key, const struct setting *s, void *item, struct report *report)
{
	uint64_t number;
	if (!text_parse_u64(s->value, strlen(s->value), key->max, &number) || number < key->min)
		return value_refuse(s, report, "a number, without a unit");
	return add_option(s, item);
}

/* ---- the tables ---- */

static const struct choice local[] = {{"refuse", CONFIG_LOCAL_REFUSE}, {"report", CONFIG_LOCAL_REPORT}, {0}};
static const struct choice yes_no[] = {{"yes", true}, {"no", false}, {0}};

#define AT(field) .offset = offsetof(struct config_terms, field)
static const struct key policy_keys[] = {
	{"sequence", value_set_u64, AT(sequence), .min = 1, .max = SEQUENCE_MAX, .required = true},
	{"description", value_set_text, AT(description)},
	{"hosts", value_add_hosts, .list = true},
	{"labels", value_add_labels, .list = true},
	{"local", value_set_choice, AT(local), .choices = local},
	{"remediate", value_set_flag, AT(remediate), .choices = yes_no},
	{0},
};
#undef AT

static const struct key unit_keys[] = {
	{"User", .set = add_word},
	{"NoNewPrivileges", .set = add_flag},
	{"UMask", .set = add_mask},
	{"LimitNOFILE", add_number, .min = 1, .max = DESCRIPTORS_MAX},
	{"LimitCORE", add_number, .max = INT64_MAX},
	{"AllowOther", .set = add_flag},
	{0},
};

static const struct kind terms_kinds[] = {
	{.name = "policy", .keys = policy_keys},
	{.name = "unit", .keys = unit_keys},
};

/* ---- building ---- */

static const struct kind *find_kind(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(terms_kinds); i++)
		if (strcmp(terms_kinds[i].name, text) == 0)
			return &terms_kinds[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct config_unit_option *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static int build(const struct tree *tree, struct report *report, struct config_terms *terms)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < tree->section_count; i++) {
		const struct section *section = tree->sections[i];
		const struct kind *kind = find_kind(section->text);
		if (kind)
			r = build_keys(kind, section, terms, report);
		else
			report_error(report, section->at,
				     "[%s] does not belong into " CONFIG_TERMS_FILE
				     "; expected [policy] and [unit], all else stands in conf.d",
				     section->text);
	}
	if (r == 0 && tree->file_count > 0 && !tree_find(tree, "policy"))
		report_error(report, (struct place){.file = tree->files[0]}, "there is no [policy] section");
	if (terms->unit_count > 1)
		qsort(terms->unit, terms->unit_count, sizeof(*terms->unit), by_name);
	return r;
}

int terms_build(const struct tree *tree, struct report *report, struct config_terms **ret)
{
	struct config_terms *terms = calloc(1, sizeof(*terms));
	if (!terms)
		return -ENOMEM;
	terms->description = strdup("");
	int r = terms->description ? build(tree, report, terms) : -ENOMEM;
	if (r < 0)
		config_terms_free(terms);
	else
		*ret = terms;
	return r;
}

int config_terms_parse(const char *text, size_t len, struct config_terms **ret, struct buf *ret_errors)
{
	struct tree tree = {0};
	struct report report = {0};
	struct config_terms *terms = NULL;
	int r = -ENOMEM;
	struct file *file = tree_add_file(&tree, CONFIG_TERMS_FILE, "");
	if (!file)
		goto out;
	r = tree_parse(&tree, file, text, len, &report);
	if (r == 0)
		r = terms_build(&tree, &report, &terms);
	int printed = report_print(&report, ret_errors);
	if (printed < 0)
		r = printed;
	else if (r == 0 && report.count > 0)
		r = -EINVAL;
	if (r == 0) {
		*ret = terms;
		terms = NULL;
	}
out:
	config_terms_free(terms);
	tree_done(&tree);
	report_done(&report);
	return r;
}

static void free_words(char **words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(words[i]);
	free(words);
}

void config_terms_free(struct config_terms *terms)
{
	if (!terms)
		return;
	for (size_t i = 0; i < terms->unit_count; i++) {
		free(terms->unit[i].name);
		free(terms->unit[i].value);
	}
	free(terms->unit);
	free_words(terms->hosts, terms->host_count);
	free_words(terms->labels, terms->label_count);
	free(terms->description);
	free(terms);
}

/* ---- whom a bundle is for ---- */

bool config_terms_are_for(const struct config_terms *terms, const char *host, char *const *labels, size_t label_count)
{
	for (size_t i = 0; i < terms->host_count; i++)
		if (name_matches(terms->hosts[i], host))
			return true;
	for (size_t i = 0; i < terms->label_count; i++)
		for (size_t j = 0; j < label_count; j++)
			if (strcmp(terms->labels[i], labels[j]) == 0)
				return true;
	return terms->host_count == 0 && terms->label_count == 0;
}

/* Behind one another, as far as they fit. */
static void join(char *const *words, size_t count, char ret[WORDS_SHOWN_SIZE])
{
	size_t len = 0;
	ret[0] = '\0';
	for (size_t i = 0; i < count && len + 1 < WORDS_SHOWN_SIZE; i++) {
		if (i > 0)
			ret[len++] = ' ';
		text_escape_print(ret + len, WORDS_SHOWN_SIZE - len, words[i], strlen(words[i]));
		len += strlen(ret + len);
	}
}

void config_terms_explain(const struct config_terms *terms, const char *host, char *const *labels, size_t label_count,
			  struct explain *ret)
{
	char hosts[WORDS_SHOWN_SIZE], wanted[WORDS_SHOWN_SIZE], own[WORDS_SHOWN_SIZE];
	join(terms->hosts, terms->host_count, hosts);
	join(terms->labels, terms->label_count, wanted);
	join(labels, label_count, own);
	explain_set(ret,
		    "policy bundle %" PRIu64
		    " is not for this host, but for %s%s%s%s%s; this host is called %s and has "
		    "%s%s: [policy] \"host\" and \"label\" say so",
		    terms->sequence, hosts[0] ? "the hosts " : "", hosts, hosts[0] && wanted[0] ? " and " : "",
		    wanted[0] ? "those with one of the labels " : "", wanted, quote(host).text,
		    own[0] ? "the labels " : "no label", own);
}
