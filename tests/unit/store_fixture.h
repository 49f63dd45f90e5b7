/* A store in a temporary directory, and what the tests of the store do with it again and again. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "store/store.h"

struct fixture {
	char dir[128];	/* temporary; removed by fixture_teardown */
	char path[160]; /* of the store in it */
	struct store *store;
	struct explain why;
};

/* For cmocka's groups: all directories of the group are made in one that goes at the end, and notices are not shown. */
int fixture_group_setup(void **state);
int fixture_group_teardown(void **state);
/* For cmocka: *state is a struct fixture with an open store that is not durable. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

struct store_options fixture_options(const struct fixture *f);
void fixture_close(struct fixture *f);
void fixture_reopen(struct fixture *f);

/* len bytes that depend on seed and differ from block to block; free. NULL: no memory. */
uint8_t *fixture_bytes(unsigned seed, size_t len);
/* A stage that holds bytes. */
struct store_stage *fixture_stage(struct store *store, const void *bytes, size_t len);
/* Puts bytes for a function; < 0: why not. */
int fixture_put(struct store *store, const char *function, const void *bytes, size_t len, struct store_object **ret);
/* Fills *ret (nothing in it is owned) for an object. */
int fixture_release(struct store *store, uint64_t number, const uint8_t *digest, size_t len, struct store_release *ret);
/* Puts fixture_bytes(seed, len) and commits them. */
int fixture_deploy(struct store *store, const char *function, uint64_t number, unsigned seed, size_t len);
/* The layer version that a function's release stands for, with bytes of fixture_bytes(seed, len); nothing is owned. */
void fixture_layer(struct store *store, const char *function, uint64_t number, struct store_layer *ret);
/* Puts fixture_bytes(seed, len) and commits them with layers. */
int fixture_deploy_layered(struct store *store, const char *function, uint64_t number, unsigned seed, size_t len,
			   const struct store_layer *layers, size_t layer_count);
/* Number of the current release; 0: none. */
uint64_t fixture_current(struct store *store, const char *function);
/* Does the release's object hold fixture_bytes(seed, length)? */
bool fixture_holds(struct store *store, const struct store_release *release, unsigned seed);
bool fixture_layer_holds(struct store *store, const struct store_layer *layer, unsigned seed);

/* Paths below the store; the result is valid until the next call. */
const char *fixture_path(const struct fixture *f, const char *format, ...) PRINTF_LIKE(2, 3);
const char *fixture_object_path(const struct fixture *f, const uint8_t *digest, const char *file);
/* Changes one byte of a file, read-only or not. */
void fixture_flip(const char *path, long offset);
void fixture_write(const char *path, const void *bytes, size_t len);
bool fixture_exists(const char *path);
size_t fixture_count(const char *path); /* entries of a directory */

/*
 * Staging is empty; each record is whole and so is its object; each object and each reference has a record that needs
 * it. What is wrong is printed.
 */
bool fixture_is_whole(const struct fixture *f);

#endif
