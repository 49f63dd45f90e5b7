/* signer.h - what the signer verbs share. Private to src/cli. */
#ifndef CLI_SIGNER_PRIVATE_H
#define CLI_SIGNER_PRIVATE_H

#include "base/json.h"
#include "cli/aws.h"
#include "signer/signer.h"

#define CLI_SIGNER_OPTIONS                                                                                             \
	"      --home DIR    the signing account's home (default $VOUCHFS_SIGNER_HOME, for root\n"                     \
	"                    /var/lib/vouchfs-signer, else ~/.local/share/vouchfs-signer)\n"

#define CLI_PLATFORM_DISPLAY_NAME "AWS Lambda"

#define CLI_SERVICE_OPTIONS                                                                                            \
	CLI_SIGNER_OPTIONS                                                                                             \
	"      --service DIR where a signing service is mounted, for those who cannot read its home\n"                 \
	"                    (default $VOUCHFS_SIGNER_SERVICE, when no home is named)\n"

/* --max-unpacked-size BYTES, which both ways to sign have. */
struct cli_signer_limits {
	uint64_t max_artifact_bytes;
	uint64_t max_unpacked_bytes;
};
/*
 * text: as given, or NULL for what hosts have as their default. The file may always be as large as its content. 0 or
 * the exit code, after having said why.
 */
int cli_signer_parse_limits(const struct cli_command *command, const char *text, const char *service,
			    struct cli_signer_limits *ret);

struct cli_signer {
	struct cli_aws aws;
	const char *home;
	bool takes_service;  /* set before parsing: the verb can go through a signing service */
	const char *service; /* NULL: it works on the home */
};

/* cli_aws_parse with --home and --service. */
int cli_signer_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count,
		     int *argc, char **argv, struct cli_signer *ret, bool *ret_done);

/* The exit code 254, after the error in AWS's form. */
int cli_signer_failed(const char *operation, int r, const struct explain *why);

/* The home that was named, else the default one; free(). NULL: out of memory. */
char *cli_signer_home(const char *given);

/* Opens the home; 0 or the exit code, after having said why. --region must be the account's. */
int cli_signer_open(const struct cli_command *command, const char *operation, const struct cli_signer *options,
		    struct signer **ret);

struct service;

/* Opens the service that was named (service.h; service_close); 0 or the exit code, after having said why. */
int cli_signer_open_service(const struct cli_command *command, const char *operation, const struct cli_signer *options,
			    struct service *ret);
/* The home or the service, as the options say; the other one stays as it is. */
int cli_signer_open_either(const struct cli_command *command, const char *operation, const struct cli_signer *options,
			   struct signer **ret_signer, struct service *ret_service);

/* --service DIR, else $VOUCHFS_SIGNER_SERVICE where neither --home nor $VOUCHFS_SIGNER_HOME is given; NULL: the home.
 */
const char *cli_signer_service(const char *home, const char *service);

/* --profile-owner, --job-owner: 0, or the exit code when it is not the home's account. */
int cli_signer_check_owner(const char *operation, const struct signer *signer, const char *owner);

/* The same through a service, where the default is the caller's account. */
int cli_service_check_profile_owner(const char *operation, const struct service *service, const char *owner,
				    const char *profile);

/* Says that a PIN on the command line can be seen by everybody; NULL: no key was named. */
void cli_signer_notice_pin(const char *key_reference);

/* What was signed, as members of the object that is open. */
void cli_signer_put_signed(struct json *j, const struct signer_job *job);

/* For the commands that print for people: 0, or -1 after having said why. */
int cli_signer_open_plain(const char *home, struct signer **ret);

#endif
