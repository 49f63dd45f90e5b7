/* version.h - what `vouchfs --version` prints. Private to src/cli. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

int cli_print_version(void); /* returns the exit code */

#endif
