/*
 * fuzz.h - what the fuzz targets share.
 *
 * A target is a file fuzz_<what>.c with one function, LLVMFuzzerTestOneInput, and a head that says what must hold. It
 * is built twice: with libFuzzer and sanitizers (`make fuzz`), and as a plain program that runs the files it is given,
 * those of seeds/<what> (replay.c; `make test`). What a target finds becomes a seed that is named for the fault.
 *
 * Inputs are readable: most begin with a line that says what the rest is, or consist of files with their names.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Optional: run once before the first input, as libFuzzer has it. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* ---- bytes of an input, one after the other; behind the end come zeros ---- */

struct fuzz_bytes {
	const uint8_t *at;
	size_t left;
};
uint8_t fuzz_take(struct fuzz_bytes *bytes);
uint16_t fuzz_take16(struct fuzz_bytes *bytes);
/* As many bytes as the next one says, at most max and what there is. */
size_t fuzz_take_some(struct fuzz_bytes *bytes, size_t max, const uint8_t **ret);

/* ---- parts of an input ---- */

/* "<name>\n<bytes>": one of several parts, which FUZZ_SEPARATOR keeps apart. name ends in a NUL. */
#define FUZZ_SEPARATOR 0x1e
#define FUZZ_NAME_SIZE 256
struct fuzz_part {
	char name[FUZZ_NAME_SIZE];
	const char *bytes; /* in the input */
	size_t len;
};
/* The part in front of *data, which is moved behind it. False: there is none any more. */
bool fuzz_next_part(const uint8_t **data, size_t *size, struct fuzz_part *ret);

/* A copy with a NUL behind it, in memory of exactly its size, so that a read behind its end is seen; free. */
char *fuzz_copy(const void *bytes, size_t len);

/* ---- a directory of the process, in memory where there is such, gone when it ends ---- */

const char *fuzz_directory(void);
/* Below it, made with the directories above. name must not leave it: false, nothing is written. */
bool fuzz_write_file(const char *directory, const char *name, const void *bytes, size_t len, unsigned mode);
void fuzz_remove_tree(const char *path);
/* A tree of directories, files and symlinks. */
void fuzz_copy_tree(const char *from, const char *to);

/* ---- what no verdict may depend on ---- */

/* Locale, time zone and umask become those of this number; 0: C, UTC, 077. */
#define FUZZ_WORLDS 4U
void fuzz_enter_world(unsigned number);

#endif
