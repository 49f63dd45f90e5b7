/*
 * lookup.c - finding what a load has built. All arrays are in the order of their names, as tree_sort left the sections,
 * so a name is found by halving; patterns are tried in the order in which they govern, and the first that matches does.
 */
#include "lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static int by_precedence(const void *a, const void *b)
{
	const struct config_slot *const *x = a, *const *y = b;
	return name_compare_patterns((*x)->name, (*y)->name);
}

static int collect(const struct config_slot *slots, size_t count, struct config_patterns *ret)
{
	size_t patterns = 0;
	for (size_t i = 0; i < count; i++)
		patterns += slots[i].is_pattern;
	const struct config_slot **all = calloc(patterns + 1, sizeof(const struct config_slot *));
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (slots[i].is_pattern)
			all[ret->count++] = &slots[i];
	qsort(all, patterns, sizeof(const struct config_slot *), by_precedence);
	ret->all = all;
	return 0;
}

int lookup_prepare(struct config *config)
{
	int r = collect(config->functions, config->function_count, &config->function_patterns);
	return r < 0 ? r : collect(config->layers, config->layer_count, &config->layer_patterns);
}

static int compare_slot(const void *name, const void *slot)
{
	return strcmp(name, ((const struct config_slot *)slot)->name);
}

static const struct config_slot *find_slot(const struct config_slot *slots, size_t count,
					   const struct config_patterns *patterns, const char *name)
{
	if (!config_is_function_name(name)) /* a name has no star, so no pattern is found by its own text */
		return NULL;
	const struct config_slot *named = bsearch(name, slots, count, sizeof(*slots), compare_slot);
	if (named)
		return named;
	for (size_t i = 0; i < patterns->count; i++)
		if (name_matches(patterns->all[i]->name, name))
			return patterns->all[i];
	return NULL;
}

const struct config_slot *config_find_function(const struct config *config, const char *name)
{
	return find_slot(config->functions, config->function_count, &config->function_patterns, name);
}

const struct config_slot *config_find_layer(const struct config *config, const char *name)
{
	return find_slot(config->layers, config->layer_count, &config->layer_patterns, name);
}

static int compare_account(const void *id, const void *account)
{
	return strcmp(id, ((const struct config_account *)account)->id);
}

const struct config_account *config_find_account(const struct config *config, const char *id)
{
	return bsearch(id, config->accounts, config->account_count, sizeof(*config->accounts), compare_account);
}

static int compare_code_signing(const void *name, const void *code_signing)
{
	return strcmp(name, ((const struct config_code_signing *)code_signing)->name);
}

const struct config_code_signing *config_find_code_signing(const struct config *config, const char *name)
{
	return bsearch(name, config->code_signing, config->code_signing_count, sizeof(*config->code_signing),
		       compare_code_signing);
}
