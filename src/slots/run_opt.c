/* What is below opt/ on the run side: the layers of a release, merged when first asked for. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "run_place.h"

#define PREFIX	       "user.vouchfs."
#define SHOWN_PATH     256
#define LAYER_NAME_MAX 200

/* ---- names for people ---- */

/* "tools:3" */
static const char *layer_name(const struct release *layer, char ret[LAYER_NAME_MAX])
{
	(void)snprintf(ret, LAYER_NAME_MAX, "%s:%" PRIu64, layer->slot->label, layer->record->number);
	return ret;
}

static int render_layers(const struct run_place *place, struct buf *ret)
{
	const struct release *release = place->release;
	char name[LAYER_NAME_MAX];
	int r = release->layer_count > 0 ? 0 : -ENODATA;
	for (size_t i = 0; r == 0 && i < release->layer_count; i++)
		r = buf_printf(ret, "%s%s", i > 0 ? "\n" : "", layer_name(release->layers[i], name));
	return r;
}

/* `python/x: a folder of base:3 (12 files), hidden by a file of tools:4` */
static int render_hidden_one(const struct release *release, const struct opt_hidden *hidden, struct buf *ret)
{
	const struct view *view = release->opt->views[hidden->layer];
	struct buf path = {0};
	char shown[SHOWN_PATH], of[LAYER_NAME_MAX], by[LAYER_NAME_MAX];
	int r = view_print_path(view, hidden->node, &path);
	if (r == 0)
		text_escape_print(shown, sizeof(shown), path.data, path.len);
	buf_done(&path);
	if (r < 0)
		return r;
	bool is_folder = view->nodes[hidden->node].is_directory;
	r = buf_printf(ret, "%s: %s of %s", shown, is_folder ? "a folder" : "a file",
		       layer_name(release->layers[hidden->layer], of));
	if (r == 0 && is_folder)
		r = buf_printf(ret, " (%" PRIu32 " %s)", hidden->file_count,
			       hidden->file_count == 1 ? "file" : "files");
	return r < 0 ? r : buf_printf(ret, ", hidden by %s", layer_name(release->layers[hidden->by], by));
}

static int render_hidden(const struct run_place *place, struct buf *ret)
{
	const struct opt *opt = place->release->opt;
	uint32_t shown = opt->hidden_count < OPT_HIDDEN_SHOWN ? opt->hidden_count : OPT_HIDDEN_SHOWN;
	int r = shown > 0 ? 0 : -ENODATA;
	for (uint32_t i = 0; r == 0 && i < shown; i++) {
		r = i > 0 ? buf_puts(ret, "\n") : 0;
		if (r == 0)
			r = render_hidden_one(place->release, &opt->hidden[i], ret);
	}
	if (r == 0 && opt->hidden_count > shown)
		r = buf_printf(ret, "\nand %" PRIu32 " more", opt->hidden_count - shown);
	return r;
}

static int render_replaced(const struct run_place *place, struct buf *ret)
{
	return buf_printf(ret, "%" PRIu32, place->release->opt->replaced_count);
}

/* ---- merging ---- */

/* Layers that get into each other's way are allowed, and worth a word: once for each time they are loaded. */
static void log_hidden(struct release *release)
{
	const struct run_place place = {.release = release};
	struct buf text = {0};
	if (release->opt->hidden_count > 0 && render_hidden(&place, &text) == 0) {
		for (char *at = text.data; (at = strchr(at, '\n')) != NULL;)
			*at = ';';
		log_notice("function %s release %" PRIu64 ": opt/: %s", release->slot->name, release->record->number,
			   text.data);
	}
	buf_done(&text);
}

static int merge_locked(struct release *release)
{
	const struct view *views[LIMIT_LAYERS] = {NULL};
	if (release->opt_is_bad)
		return -EIO;
	for (size_t i = 0; i < release->layer_count; i++)
		views[i] = release->layers[i]->view;
	int r = opt_new(views, release->layer_count, release->slots->opt_folders_max, &release->opt);
	if (r == -E2BIG) {
		release->opt_is_bad = true;
		log_error("function %s release %" PRIu64
			  ": its layers have more than %u folders together; opt/ cannot be "
			  "served, attach fewer layers",
			  release->slot->name, release->record->number, release->slots->opt_folders_max);
		return -EIO;
	}
	if (r == 0)
		log_hidden(release);
	return r;
}

static bool is_merged(struct release *release)
{
	lock_take(&release->lock);
	bool merged = release->opt != NULL;
	lock_drop(&release->lock);
	return merged;
}

int release_load_opt(struct release *release)
{
	if (is_merged(release))
		return 0;
	int r = 0;
	for (size_t i = 0; r == 0 && i < release->layer_count; i++)
		r = release_load_view(release->layers[i]);
	if (r < 0)
		return r == -ENOMEM ? r : -EIO; /* a name of a layer that is not there is not absent (I6) */
	lock_take(&release->lock);
	if (!release->opt)
		r = merge_locked(release);
	lock_drop(&release->lock);
	return r;
}

/* ---- entries ---- */

static struct run_place place_of(const struct release *release, const struct opt_entry *entry)
{
	if (entry->folder > 0)
		return (struct run_place){.release = (struct release *)release,
					  .index = run_index_of_folder(entry->folder),
					  .folder = entry->folder};
	return (struct run_place){
		.release = release->layers[entry->layer],
		.index = RUN_INDEX_TASK + entry->node,
		.view_node = entry->node,
	};
}

int run_opt_find(const struct run_place *parent, const char *name, uint64_t *ret)
{
	int r = release_load_opt(parent->release);
	if (r < 0)
		return r;
	const struct opt_entry *entry = opt_find(parent->release->opt, parent->folder, name);
	if (!entry)
		return -ENOENT;
	const struct run_place child = place_of(parent->release, entry);
	*ret = run_node(child.release->record->id, child.index);
	return 0;
}

const struct view_node *run_opt_entry(const struct run_place *parent, uint64_t index, struct run_place *ret)
{
	const struct opt *opt = parent->release->opt;
	const struct opt_folder *folder = &opt->folders[parent->folder];
	if (index >= folder->entry_count)
		return NULL;
	const struct opt_entry *entry = &opt->entries[folder->first_entry + index];
	*ret = place_of(parent->release, entry);
	return opt_node(opt, entry);
}

/* ---- extended attributes ---- */

static int render_layer(const struct run_place *place, struct buf *ret)
{
	char name[LAYER_NAME_MAX];
	return buf_puts(ret, layer_name(place->release, name));
}

/* A layer a line: its name, the size of its ZIP, and who has signed it in which job, as it was found at deployment. */
static int render_layer_versions(const struct run_place *place, struct buf *ret)
{
	const struct release *release = place->release;
	const char *decision = release->record->decision;
	char name[LAYER_NAME_MAX], key[64];
	int r = release->layer_count > 0 ? 0 : -ENODATA;
	for (size_t i = 0; r == 0 && i < release->layer_count; i++) {
		(void)snprintf(key, sizeof(key), "layer-%zu-profile-version-arn", i + 1);
		char *profile = text_record_get(decision, strlen(decision), key);
		(void)snprintf(key, sizeof(key), "layer-%zu-job-arn", i + 1);
		char *job = text_record_get(decision, strlen(decision), key);
		r = buf_printf(ret, "%s%s %" PRIu64 " %s %s", i > 0 ? "\n" : "", layer_name(release->layers[i], name),
			       release_file_size(release->layers[i]), profile ? profile : "-", job ? job : "-");
		free(profile);
		free(job);
	}
	return r;
}

struct opt_attribute {
	const char *name;
	bool is_of_file;  /* a layer's, else opt/'s */
	bool is_of_merge; /* of what opt/ shows, not only of the record */
	int (*render)(const struct run_place *place, struct buf *ret);
};

static const struct opt_attribute attributes[] = {
	{PREFIX "layer", true, false, render_layer},
	{PREFIX "layers", false, false, render_layers},
	{PREFIX "layer_versions", false, false, render_layer_versions},
	{PREFIX "replaced_files", false, true, render_replaced},
	{PREFIX "hidden", false, true, render_hidden},
};

static int render(const struct opt_attribute *attribute, const struct run_place *place, struct buf *ret)
{
	int r = attribute->is_of_merge ? release_load_opt(place->release) : 0;
	return r == 0 ? attribute->render(place, ret) : r;
}

int run_opt_getxattr(const struct run_place *place, const char *name, struct buf *ret)
{
	bool is_file = place->release->slot->is_layer;
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (attributes[i].is_of_file == is_file && strcmp(attributes[i].name, name) == 0)
			return render(&attributes[i], place, ret);
	return -ENODATA;
}

int run_opt_listxattr(const struct run_place *place, struct buf *ret)
{
	bool is_file = place->release->slot->is_layer;
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(attributes); i++) {
		struct buf value = {0};
		int found = attributes[i].is_of_file == is_file ? render(&attributes[i], place, &value) : -ENODATA;
		buf_done(&value);
		if (found != -ENODATA)
			r = found < 0 ? found : buf_append(ret, attributes[i].name, strlen(attributes[i].name) + 1);
	}
	return r;
}
