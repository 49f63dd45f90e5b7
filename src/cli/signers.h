/* signers.h - what can be found of those who sign: in trust files, in a home, through a service. Private to src/cli. */
#ifndef CLI_SIGNERS_PRIVATE_H
#define CLI_SIGNERS_PRIVATE_H

#include "cli/cli.h"
#include "overview/signers.h"

#define SIGNERS_USAGE                                                                                                  \
	"      --home DIR     the signing account's home, to say who may sign (default\n"                              \
	"                     $VOUCHFS_SIGNER_HOME)\n"                                                                 \
	"      --service DIR  where its signing service is mounted, which shows less (default\n"                       \
	"                     $VOUCHFS_SIGNER_SERVICE)\n"

struct signers_options {
	const char *home;
	const char *service;
};

/*
 * What the files of a configuration say, as far as they can be read, and what the home or the service says. A home or a
 * service that is named and cannot be asked is a failure; one that the environment names is a notice. The exit code,
 * after having said why.
 */
int cli_find_signers(const struct cli_command *command, const char *config_path, const struct signers_options *options,
		     struct overview_signers **ret);

#endif
