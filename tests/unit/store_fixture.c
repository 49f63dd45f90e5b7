#include "store_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

struct store_options fixture_options(const struct fixture *f)
{
	return (struct store_options){.path = f->path, .create = true};
}

static void make_dir(char *ret, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(ret, size, "%s/store-test.XXXXXX", tmp ? tmp : "/tmp");
	ASSERT(mkdtemp(ret));
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *ftw UNUSED)
{
	return remove(path);
}

int fixture_group_setup(void **state UNUSED)
{
	char dir[128];
	make_dir(dir, sizeof(dir));
	log_set_level(LOG_LEVEL_ERROR);
	return setenv("TMPDIR", dir, 1);
}

int fixture_group_teardown(void **state UNUSED)
{
	return nftw(getenv("TMPDIR"), remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	ASSERT(f);
	make_dir(f->dir, sizeof(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/store", f->dir);
	*state = f;
	struct store_options options = fixture_options(f);
	return store_open(&options, &f->store, &f->why);
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	fixture_close(f);
	int r = nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return r;
}

void fixture_close(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	struct store_options options = fixture_options(f);
	ASSERT(store_open(&options, &f->store, &f->why) == 0);
}

uint8_t *fixture_bytes(unsigned seed, size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	if (!bytes)
		return NULL;
	uint32_t x = seed * 2654435761U + 1;
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525U + 1013904223U;
		bytes[i] = (uint8_t)(x >> 24);
	}
	return bytes;
}

struct store_stage *fixture_stage(struct store *store, const void *bytes, size_t len)
{
	struct store_stage *stage = NULL;
	ASSERT(store_stage_new(store, &stage) == 0);
	ASSERT(store_stage_write(stage, bytes, len, 0) == 0);
	return stage;
}

int fixture_put(struct store *store, const char *function, const void *bytes, size_t len, struct store_object **ret)
{
	struct store_stage *stage;
	int r = store_stage_new(store, &stage);
	if (r < 0)
		return r;
	r = store_stage_write(stage, bytes, len, 0);
	if (r == 0)
		r = store_put_object(store, stage, len, function, ret);
	store_stage_free(stage);
	return r;
}

int fixture_release(struct store *store, uint64_t number, const uint8_t *digest, size_t len, struct store_release *ret)
{
	static uint8_t comment[] = "a comment";
	*ret = (struct store_release){
		.number = number,
		.artifact_name = (char *)(uintptr_t) "main.zip",
		.length_bytes = len,
		.comment = comment,
		.comment_len = sizeof(comment) - 1,
		.mtime_s = 1795280832,
		.mtime_ns = 5,
		.uid = 1000,
		.created_at_s = 1795280840,
		.decision = (char *)(uintptr_t) "outcome: accepted\n",
	};
	memcpy(ret->digest, digest, sizeof(ret->digest));
	return store_next_id(store, &ret->id);
}

void fixture_layer(struct store *store, const char *function, uint64_t number, struct store_layer *ret)
{
	static uint8_t comment[] = "a layer's comment";
	struct store_release *release = NULL;
	ASSERT(store_load_release(store, function, number, &release) == 0);
	*ret = (struct store_layer){
		.layer = (char *)(uintptr_t) "lib",
		.version = number,
		.id = release->id,
		.length_bytes = release->length_bytes,
		.comment = comment,
		.comment_len = sizeof(comment) - 1,
	};
	memcpy(ret->digest, release->digest, sizeof(ret->digest));
	store_release_free(release);
}

int fixture_deploy(struct store *store, const char *function, uint64_t number, unsigned seed, size_t len)
{
	return fixture_deploy_layered(store, function, number, seed, len, NULL, 0);
}

static void add_layers(struct store_release *release, const struct store_layer *layers, size_t layer_count)
{
	for (size_t i = 0; i < layer_count; i++)
		release->layers[i] = layers[i];
	release->layer_count = layer_count;
	release->layers_text = (char *)(uintptr_t) "lib:1\n";
}

int fixture_deploy_layered(struct store *store, const char *function, uint64_t number, unsigned seed, size_t len,
			   const struct store_layer *layers, size_t layer_count)
{
	uint8_t *bytes = fixture_bytes(seed, len);
	struct store_object *object = NULL;
	int r = bytes ? fixture_put(store, function, bytes, len, &object) : -ENOMEM;
	if (r == 0) {
		struct store_release release;
		r = fixture_release(store, number, store_object_digest(object), len, &release);
		add_layers(&release, layers, layer_count);
		if (r == 0)
			r = store_commit_release(store, function, &release);
		else
			store_discard_object(store, function, object);
	}
	store_object_unref(object);
	free(bytes);
	return r;
}

uint64_t fixture_current(struct store *store, const char *function)
{
	struct store_release *release;
	if (store_load_current(store, function, &release) < 0)
		return 0;
	uint64_t number = release->number;
	store_release_free(release);
	return number;
}

static bool object_holds(struct store *store, const uint8_t *digest, uint64_t length, unsigned seed)
{
	struct store_object *object;
	if (store_open_object(store, digest, length, &object) < 0)
		return false;
	size_t len = (size_t)length;
	uint8_t *expected = fixture_bytes(seed, len), *found = malloc(len + 1);
	ASSERT(found);
	bool same = store_object_pread(object, found, len, 0) == 0 && memcmp(expected, found, len) == 0;
	free(expected);
	free(found);
	store_object_unref(object);
	return same;
}

bool fixture_holds(struct store *store, const struct store_release *release, unsigned seed)
{
	return object_holds(store, release->digest, release->length_bytes, seed);
}

bool fixture_layer_holds(struct store *store, const struct store_layer *layer, unsigned seed)
{
	return object_holds(store, layer->digest, layer->length_bytes, seed);
}

const char *fixture_path(const struct fixture *f, const char *format, ...)
{
	static char path[512];
	size_t used = (size_t)snprintf(path, sizeof(path), "%s/", f->path);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(path + used, sizeof(path) - used, format, args);
	va_end(args);
	return path;
}

const char *fixture_object_path(const struct fixture *f, const uint8_t *digest, const char *file)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	text_hex(digest, CRYPTO_SHA256_BYTES, hex);
	return fixture_path(f, "objects/%.2s/%s/%s", hex, hex, file);
}

void fixture_flip(const char *path, long offset)
{
	ASSERT(chmod(path, 0600) == 0);
	FILE *file = fopen(path, "r+");
	ASSERT(file && fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET) == 0);
	int byte = fgetc(file);
	ASSERT(byte != EOF && fseek(file, -1, SEEK_CUR) == 0);
	ASSERT(fputc(byte ^ 1, file) != EOF && fclose(file) == 0);
}

void fixture_write(const char *path, const void *bytes, size_t len)
{
	(void)unlink(path);
	FILE *file = fopen(path, "w");
	ASSERT(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

bool fixture_exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

size_t fixture_count(const char *path)
{
	size_t count = 0;
	DIR *dir = opendir(path);
	ASSERT(dir);
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
		count += e->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

static bool note_object(const struct fixture *f, const char *function, const uint8_t *digest, struct buf *needs)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	text_hex(digest, CRYPTO_SHA256_BYTES, hex);
	ASSERT(buf_printf(needs, "%s ref.%s\n", hex, function) == 0);
	return fixture_exists(fixture_object_path(f, digest, "payload")) &&
	       fixture_exists(fixture_object_path(f, digest, "tree"));
}

static bool note_release(const struct fixture *f, const char *function, const struct store_release *release,
			 struct buf *needs)
{
	bool whole = note_object(f, function, release->digest, needs);
	for (size_t i = 0; i < release->layer_count; i++)
		whole = note_object(f, function, release->layers[i].digest, needs) && whole;
	return whole;
}

/* What the records need, as "<digest hex> <function>" lines. */
static bool note_records(const struct fixture *f, const char *function, struct buf *needs)
{
	uint64_t *numbers = NULL;
	size_t count = 0;
	int r = store_list_releases(f->store, function, &numbers, &count);
	bool whole = r == 0 || (r == -ENOENT && store_is_policy(function)); /* which not every store has */
	for (size_t i = 0; i < count; i++) {
		struct store_release *release = NULL;
		if (store_load_release(f->store, function, numbers[i], &release) < 0 ||
		    !note_release(f, function, release, needs)) {
			(void)fprintf(stderr, "%s: release %u or its object is not whole\n", function,
				      (unsigned)numbers[i]);
			whole = false;
		}
		store_release_free(release);
	}
	free(numbers);
	return whole;
}

/* Every object directory holds payload, tree and references that are needed. */
static bool check_object(const struct fixture *f, const char *hex, const struct buf *needs)
{
	char line[512];
	bool whole = true, referenced = false;
	DIR *dir = opendir(fixture_path(f, "objects/%.2s/%s", hex, hex));
	ASSERT(dir);
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (strncmp(e->d_name, "ref.", 4) != 0)
			continue;
		referenced = true;
		(void)snprintf(line, sizeof(line), "%s %s\n", hex, e->d_name);
		if (!needs->data || !strstr(needs->data, line)) {
			(void)fprintf(stderr, "object %s: %s without a record\n", hex, e->d_name);
			whole = false;
		}
	}
	(void)closedir(dir);
	if (!referenced)
		(void)fprintf(stderr, "object %s: nobody needs it\n", hex);
	return whole && referenced;
}

static bool check_objects(const struct fixture *f, const struct buf *needs)
{
	bool whole = true;
	DIR *objects = opendir(fixture_path(f, "objects"));
	ASSERT(objects);
	for (const struct dirent *two = readdir(objects); two; two = readdir(objects)) {
		if (two->d_name[0] == '.')
			continue;
		DIR *dir = opendir(fixture_path(f, "objects/%s", two->d_name));
		ASSERT(dir);
		for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
			if (e->d_name[0] != '.')
				whole = check_object(f, e->d_name, needs) && whole;
		(void)closedir(dir);
	}
	(void)closedir(objects);
	return whole;
}

static bool check_references(const struct fixture *f, const struct buf *needs)
{
	bool whole = true;
	const char *cursor = needs->data;
	for (const char *end; cursor && (end = strchr(cursor, '\n')); cursor = end + 1) {
		const char *path = fixture_path(f, "objects/%.2s/%.64s/%.*s", cursor, cursor, (int)(end - cursor - 65),
						cursor + 65);
		if (!fixture_exists(path)) {
			(void)fprintf(stderr, "missing: %s\n", path);
			whole = false;
		}
	}
	return whole;
}

typedef int list_names(struct store *store, char ***ret, size_t *ret_count);

static bool note_slots(const struct fixture *f, list_names *list, const char *prefix, struct buf *needs)
{
	char **names = NULL, slot[128];
	size_t count = 0;
	bool whole = list(f->store, &names, &count) == 0;
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(slot, sizeof(slot), "%s%s", prefix, names[i]);
		whole = note_records(f, slot, needs) && whole;
		free(names[i]);
	}
	free(names);
	return whole;
}

bool fixture_is_whole(const struct fixture *f)
{
	struct buf needs = {0};
	bool whole = note_slots(f, store_list_functions, "", &needs);
	whole = note_slots(f, store_list_layers, STORE_LAYER_PREFIX, &needs) && whole;
	whole = note_records(f, STORE_POLICY_SLOT, &needs) && whole;
	whole = check_objects(f, &needs) && whole;
	whole = check_references(f, &needs) && whole;
	size_t staged = fixture_count(fixture_path(f, "staging"));
	if (staged > 0)
		(void)fprintf(stderr, "staging holds %zu entries\n", staged);
	buf_done(&needs);
	return whole && staged == 0;
}
