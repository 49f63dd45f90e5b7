/* The verbs that AWS Signer has and we do not, each with what to use instead. */
#include "cli/cli.h"

#define NO_TAGS "profiles have no tags; say it with the profile's name"

const struct cli_command cli_signer_absent_commands[] = {
	{
		.group = "signer",
		.name = "sign-payload",
		.refuse = "it signs container images, whose platform Notation-OCI-SHA384-ECDSA is not offered here; "
			  "ZIPs are "
			  "signed with start-signing-job",
	},
	{
		.group = "signer",
		.name = "get-revocation-status",
		.refuse = "hosts ask the revocation list that export-trust writes; a job's state is in "
			  "describe-signing-job, a profile's in get-signing-profile",
	},
	{.group = "signer", .name = "tag-resource", .refuse = NO_TAGS},
	{.group = "signer", .name = "untag-resource", .refuse = NO_TAGS},
	{.group = "signer", .name = "list-tags-for-resource", .refuse = NO_TAGS},
	{.name = NULL},
};
