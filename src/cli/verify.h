/* verify.h - the parts of `vouchfs verify`, and what another verdict without a mount needs. Private to src/cli. */
#ifndef CLI_VERIFY_PRIVATE_H
#define CLI_VERIFY_PRIVATE_H

#include "gate/gate.h"

/* A file under verification: what is judged is a private copy, taken once (R16). */
struct verify_file {
	const char *path;
	enum signature_content content; /* what it has to be signed as */
	int copy_fd;
	uint64_t size_bytes;
};

/* Opens the file and copies it, or says what is wrong with it. Only its size counts when that is over max_bytes. */
int verify_file_open(const char *path, uint64_t max_bytes, struct verify_file *ret);
void verify_file_close(struct verify_file *file);

/* By the rules of one config, NULL for none. */
int verify_judge(const struct trust *trust, const struct config_code_signing *rules, const struct verify_file *file,
		 bool full, struct gate_decision *ret);

/* 0 for accepted and for warned, else the code of the reason. */
int verify_exit_code(const struct policy_verdict *verdict);

/* Prints one decision; returns the exit code. file is looked into for the chain that it carries. */
int verify_print(const struct trust *trust, const struct verify_file *file, const struct gate_decision *decision,
		 bool json);

/* Judges by every code-signing config and prints a line for each; returns the exit code. */
int verify_all(const struct trust *trust, const struct verify_file *file, bool full, bool json);

/* The configuration with all it names, and what its store remembers. Says on failure what is wrong. */
int cli_load_trust(const char *path, struct trust **ret);

/*
 * A private copy of an open file, so that what is judged cannot change. Of a file of more than max bytes only the size
 * is taken.
 */
int cli_private_copy(int from, uint64_t max, int *ret_fd, uint64_t *ret_size);

#endif
