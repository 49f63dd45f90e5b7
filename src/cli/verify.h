/* verify.h - the parts of `vouchfs verify`. Private to src/cli. */
#ifndef CLI_VERIFY_PRIVATE_H
#define CLI_VERIFY_PRIVATE_H

#include "gate/gate.h"

/* A file under verification: what is judged is a private copy, taken once (R16). */
struct verify_file {
	const char *path;
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

#endif
