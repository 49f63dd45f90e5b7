/* What the rows of an overview say of each other: who uses a layer, how many functions have a config. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overview/fill.h"

/* ---- layers ---- */

struct user {
	const char *layer; /* "tools:3"; the name ends at the colon */
	size_t layer_len;
	const char *function;
};

struct users {
	struct user *all;
	size_t count;
};

static size_t count_users(const struct overview *overview)
{
	size_t count = 0;
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		for (const char *c = slot->is_layer ? NULL : slot->layers; c && *c; c++)
			count += *c == ':';
	}
	return count;
}

static void add_users(const struct overview_slot *slot, struct users *users)
{
	for (const char *layer = slot->layers, *end; layer && layer[0]; layer = end[0] ? end + 1 : end) {
		end = strchrnul(layer, ' ');
		const char *colon = memchr(layer, ':', (size_t)(end - layer));
		if (colon)
			users->all[users->count++] = (struct user){layer, (size_t)(colon - layer), slot->name};
	}
}

static int compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_users(const void *a, const void *b)
{
	const struct user *x = a, *y = b;
	int order = compare_names(x->layer, x->layer_len, y->layer, y->layer_len);
	return order != 0 ? order : strcmp(x->function, y->function);
}

/* The first of a layer's, in order; NULL: nobody uses it. */
static const struct user *find_users(const struct users *users, const char *layer)
{
	size_t len = strlen(layer), low = 0, high = users->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_names(users->all[middle].layer, users->all[middle].layer_len, layer, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_found = low < users->count &&
			compare_names(users->all[low].layer, users->all[low].layer_len, layer, len) == 0;
	return is_found ? &users->all[low] : NULL;
}

static int name_users(const struct users *users, struct overview_slot *layer)
{
	const struct user *user = find_users(users, layer->name), *end = users->all + users->count;
	struct buf names = {0};
	int r = 0;
	for (; r == 0 && user && user < end && strncmp(user->layer, layer->name, user->layer_len) == 0 &&
	       layer->name[user->layer_len] == '\0';
	     user++)
		r = buf_printf(&names, "%s%s", names.len > 0 ? " " : "", user->function);
	if (r == 0 && names.len > 0)
		layer->layers = buf_steal(&names);
	buf_done(&names);
	return r;
}

static int complete_layers(struct overview *overview)
{
	struct users users = {.all = calloc(count_users(overview) + 1, sizeof(*users.all))};
	if (!users.all)
		return -ENOMEM;
	for (size_t i = 0; i < overview->slot_count; i++)
		if (!overview->slots[i].is_layer)
			add_users(&overview->slots[i], &users);
	qsort(users.all, users.count, sizeof(*users.all), compare_users);
	int r = 0;
	for (size_t i = 0; r == 0 && i < overview->slot_count; i++)
		if (overview->slots[i].is_layer)
			r = name_users(&users, &overview->slots[i]);
	free(users.all);
	return r;
}

/* ---- configs ---- */

static int compare_configs(const void *name, const void *config)
{
	return strcmp(name, ((const struct overview_config *)config)->name);
}

static void complete_configs(struct overview *overview)
{
	for (size_t i = 0; overview->config_count > 0 && i < overview->slot_count; i++) {
		const char *name = overview->slots[i].config;
		struct overview_config *config = NULL;
		if (name)
			config = bsearch(name, overview->configs, overview->config_count, sizeof(*overview->configs),
					 compare_configs);
		if (config)
			config->function_count++;
	}
}

int overview_complete(struct overview *overview)
{
	complete_configs(overview);
	int r = complete_layers(overview);
	overview_rank(overview);
	return r;
}
