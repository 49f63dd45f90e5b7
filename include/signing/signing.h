/*
 * signing.h - the signing slots of a signing service: a tree (slots/tree.h) in which writing a ZIP signs it.
 *
 *     /<profile>/                    a signing slot; there for those whom a statement allows (signer/access.h)
 *     /<profile>/<name>.zip          what was handed in last under this name; writing it starts a signing job
 *     /<profile>/signed/<name>.zip   the result, signed
 *     /<profile>/jobs/<job id>.json  the job's record, as describe-signing-job answers
 *     /<profile>/profile.json        as get-signing-profile answers; with permission signer:GetSigningProfile
 *     /<profile>/revoke/<job id>     writing a reason revokes that signature; with signer:RevokeSignature
 *     /.vouchfs/why/<profile>        not listed; the caller's last attempt there, what was refused and what to do
 *
 * Names that are temporary by the rules of the deploy side (.x, x~, x.tmp, x.part, x.filepart) are staging here as
 * well; a rename to a final name starts the job. When the job starts is as on the deploy side: the write that completes
 * the ZIP checks it and says what is wrong, the close that follows signs.
 *
 * A caller sees the results and jobs of his own account; the home's owner and root see all. Results and what was handed
 * in stay until they are unlinked or their time (SIGNING_KEEP_S) is over; records of jobs stay.
 *
 * Errnos: EACCES no statement allows it (or the profile is cancelled or revoked, -EPERM), ENOENT not visible, EINVAL
 * not an admissible ZIP or name, EEXIST signed already, EFBIG too large, EROFS what is only to be read. Each has its
 * text in .vouchfs/why and in user.vouchfs.last_{outcome,reason,at,by,detail} of the slot's directory.
 */
#ifndef SIGNING_SIGNING_H
#define SIGNING_SIGNING_H

#include "slots/tree.h"

#define SIGNING_KEEP_S (7U * 86400U)

struct signing;

/* Opens the home (which must be the caller's own, 0700). Failures put one line into ret_errors. */
int signing_open(const char *home, struct signing **ret, struct buf *ret_errors);

extern const struct tree_ops signing_tree_ops; /* on struct signing */

#endif
