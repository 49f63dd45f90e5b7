/*
 * host.h - a deployment host for targets that need a whole one: layers_fixture's, with two releases of "main", one of
 * them with layers, and one of "relaxed". It is made once and put back before each input, in memory.
 */
#ifndef TESTS_FUZZ_HOST_H
#define TESTS_FUZZ_HOST_H

#include "layers_fixture.h"

/* What is deployed there, and what can be: signed, unsigned, damaged, a list of layers, ... */
#define FUZZ_HOST_CONTENTS 8U

struct fuzz_host {
	struct slots_fixture *f;
	char config_path[128];
	char store_path[128];
	char pristine[128];
	struct buf contents[FUZZ_HOST_CONTENTS];
};

void fuzz_host_make(struct fuzz_host *ret);
/* The directory as it was made, with nothing open in it. Called again: anew. */
void fuzz_host_restore(const struct fuzz_host *host);

/*
 * Changes a file of the store as a part of an input says, and makes its checksum right again:
 *
 *     functions/main/note          its text from now on
 *     functions/main/current edit  lines in pairs: what stands there, what is put in its place, once
 *     audit/x raw                  its bytes from now on
 *     objects/x remove             it is gone
 */
struct fuzz_part;
void fuzz_host_change(const struct fuzz_host *host, const struct fuzz_part *part);

#endif
