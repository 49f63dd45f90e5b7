/* Releases with layers: what is committed is loaded, and an object stays while a release has it as a layer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "store_fixture.h"

#define LEN   5000
#define LAYER 50 /* seed of the layer's bytes */

/* Two layer versions; "lib" stands for the layer's slot. */
static void publish(struct fixture *f, struct store_layer ret[2])
{
	for (uint64_t n = 1; n <= 2; n++) {
		assert_int_equal(fixture_deploy(f->store, "lib", n, LAYER + (unsigned)n, LEN), 0);
		fixture_layer(f->store, "lib", n, &ret[n - 1]);
	}
}

static int deploy(struct fixture *f, const char *function, uint64_t number, const struct store_layer *layers,
		  size_t layer_count)
{
	return fixture_deploy_layered(f->store, function, number, (unsigned)number, LEN, layers, layer_count);
}

static struct store_release *load(struct fixture *f, uint64_t number)
{
	struct store_release *release;
	assert_int_equal(store_load_release(f->store, "main", number, &release), 0);
	return release;
}

static void assert_same_layer(const struct store_layer *a, const struct store_layer *b)
{
	assert_string_equal(a->layer, b->layer);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->id, b->id);
	assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
	assert_int_equal(a->length_bytes, b->length_bytes);
	assert_int_equal(a->comment_len, b->comment_len);
	assert_memory_equal(a->comment, b->comment, a->comment_len);
}

static void test_layers_come_back(void **state)
{
	struct fixture *f = *state;
	struct store_layer layers[5];
	uint8_t *big = fixture_bytes(3, 65535);
	publish(f, layers);
	for (size_t i = 2; i < 5; i++)
		layers[i] = layers[i % 2];
	layers[1].comment = big;
	layers[1].comment_len = 65535;
	layers[2].comment_len = 0;
	layers[2].version = UINT64_MAX;
	assert_int_equal(deploy(f, "main", 1, layers, 5), 0);
	fixture_reopen(f);
	struct store_release *found = load(f, 1);
	assert_int_equal(found->layer_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_same_layer(&layers[i], &found->layers[i]);
	assert_string_equal(found->layers_text, "lib:1\n");
	assert_true(fixture_is_whole(f));
	store_release_free(found);
	free(big);
}

/* What stores have that were made before there were layers. */
static void test_a_release_without_layers_has_the_form_it_always_had(void **state)
{
	struct fixture *f = *state;
	char text[2048] = "";
	assert_int_equal(fixture_deploy(f->store, "main", 1, 1, LEN), 0);
	FILE *file = fopen(fixture_path(f, "functions/main/releases/1"), "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	(void)fclose(file);
	assert_ptr_equal(strstr(text, "vouchfs-release: 1\nfunction: main\n"), text);
	assert_null(strstr(text, "layer"));
}

static void test_refuses_bad_layers(void **state)
{
	struct fixture *f = *state;
	struct store_layer layers[2], good;
	publish(f, layers);
	good = layers[0];
	layers[0].layer = (char[]){"../x"};
	assert_int_equal(deploy(f, "main", 1, layers, 1), -EINVAL);
	layers[0] = good;
	layers[0].version = 0;
	assert_int_equal(deploy(f, "main", 1, layers, 1), -EINVAL);
	layers[0] = good;
	layers[0].id = 0;
	assert_int_equal(deploy(f, "main", 1, layers, 1), -EINVAL);
	layers[0] = good;
	layers[0].digest[0] ^= 1; /* no such object */
	assert_int_equal(deploy(f, "main", 1, layers, 1), -ENOENT);
	fixture_reopen(f);
	assert_true(fixture_is_whole(f));
	assert_int_equal(deploy(f, "main", 1, &good, 1), 0);
}

static void test_every_byte_of_a_record_counts(void **state)
{
	struct fixture *f = *state;
	struct store_layer layers[2];
	struct store_release *release;
	struct stat st;
	char path[512];
	publish(f, layers);
	assert_int_equal(deploy(f, "main", 1, layers, 2), 0);
	(void)snprintf(path, sizeof(path), "%s", fixture_path(f, "functions/main/releases/1"));
	assert_int_equal(stat(path, &st), 0);
	for (long at = 0; at < st.st_size; at++) {
		fixture_flip(path, at);
		assert_int_equal(store_load_release(f->store, "main", 1, &release), -EBADMSG);
		fixture_flip(path, at);
	}
	store_release_free(load(f, 1));
}

static bool is_there(const struct fixture *f, const struct store_layer *layer)
{
	return fixture_exists(fixture_object_path(f, layer->digest, "payload"));
}

static void test_an_object_stays_while_it_is_a_layer(void **state)
{
	struct fixture *f = *state;
	struct store_layer layers[2];
	publish(f, layers);
	assert_int_equal(deploy(f, "main", 1, layers, 2), 0);
	assert_int_equal(deploy(f, "main", 2, layers, 1), 0);
	assert_int_equal(deploy(f, "other", 1, layers, 1), 0);
	assert_int_equal(store_remove_function(f->store, "lib"), 0);
	assert_true(fixture_is_whole(f));
	assert_true(is_there(f, &layers[0]) && is_there(f, &layers[1]));

	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_true(fixture_is_whole(f));
	assert_true(is_there(f, &layers[0]) && !is_there(f, &layers[1]));
	assert_int_equal(store_remove_function(f->store, "main"), 0);
	assert_true(is_there(f, &layers[0]));
	assert_int_equal(store_remove_function(f->store, "other"), 0);
	assert_false(is_there(f, &layers[0]));
}

/* An artifact that is its own layer, twice: one object, one change. */
static void test_the_same_bytes_several_times(void **state)
{
	struct fixture *f = *state;
	struct store_layer layers[2];
	publish(f, layers);
	layers[1] = layers[0];
	layers[1].version = 7;
	assert_int_equal(fixture_deploy_layered(f->store, "main", 1, LAYER + 1, LEN, layers, 2), 0);
	assert_true(fixture_is_whole(f));
	assert_int_equal(fixture_deploy(f->store, "main", 2, 2, LEN), 0);
	assert_int_equal(store_remove_release(f->store, "main", 1), 0);
	assert_true(fixture_is_whole(f) && is_there(f, &layers[0]));
}

static void test_update_keeps_what_a_release_has(void **state)
{
	struct fixture *f = *state;
	struct store_layer layers[2];
	publish(f, layers);
	assert_int_equal(deploy(f, "main", 1, layers, 2), 0);
	struct store_release *release = load(f, 1);
	release->layers_mtime_s = 77;
	assert_int_equal(store_update_release(f->store, "main", release), 0);
	struct store_release *found = load(f, 1);
	assert_true(found->layers_mtime_s == 77 && found->layer_count == 2);
	store_release_free(found);
	release->layers[1].digest[0] ^= 1;
	assert_int_equal(store_update_release(f->store, "main", release), -EINVAL);
	release->layers[1].digest[0] ^= 1;
	release->layer_count = 1;
	assert_int_equal(store_update_release(f->store, "main", release), -EINVAL);
	release->layer_count = 2;
	store_release_free(release);
}

static void test_copies(void **state)
{
	struct fixture *f = *state;
	struct store_layer layers[2];
	publish(f, layers);
	assert_int_equal(deploy(f, "main", 1, layers, 2), 0);
	assert_int_equal(deploy(f, "main", 2, NULL, 0), 0);
	struct store_release *from = load(f, 1), *to = load(f, 2);
	assert_true(store_release_has(from, layers[1].digest) && !store_release_has(to, layers[1].digest));
	assert_int_equal(store_release_copy_layers(to, from), 0);
	assert_true(store_release_has(to, layers[1].digest));
	assert_ptr_not_equal(to->layers[0].comment, from->layers[0].comment);
	store_release_free(from);
	assert_same_layer(&to->layers[1], &layers[1]);
	store_release_free(to);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_layers_come_back),
		STORE_TEST(test_a_release_without_layers_has_the_form_it_always_had),
		STORE_TEST(test_refuses_bad_layers),
		STORE_TEST(test_every_byte_of_a_record_counts),
		STORE_TEST(test_an_object_stays_while_it_is_a_layer),
		STORE_TEST(test_the_same_bytes_several_times),
		STORE_TEST(test_update_keeps_what_a_release_has),
		STORE_TEST(test_copies),
	};
	return cmocka_run_group_tests_name("store_layer", tests, fixture_group_setup, fixture_group_teardown);
}
