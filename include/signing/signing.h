/*
 * signing.h - the signing slots of a signing service: a tree (slots/tree.h) in which writing a ZIP signs it.
 *
 *     /<profile>/                    a signing slot; there for those whom a statement allows (signer/access.h)
 *     /<profile>/<name>.zip          what was handed in last under this name; writing it starts a signing job
 *     /<profile>/signed/<name>.zip   the result, signed
 *     /<profile>/signed/<account>/   the results of another account, for the home's owner and root
 *     /<profile>/jobs/<job id>.json  the job's record, as describe-signing-job answers
 *     /<profile>/profile.json        as get-signing-profile answers; with permission signer:GetSigningProfile
 *     /<profile>/revoke/<job id>     writing a reason revokes that signature; with signer:RevokeSignature. Not listed;
 *                                    there (the reason) once it is revoked
 *     /.vouchfs/why/<profile>        not listed; the last attempt of the caller's account there: what was refused, what
 *                                    was expected, what to do
 *
 * Names that are temporary by the rules of the deploy side (slots/names.h) are staging here as well, for their writer
 * alone, for a day; a rename to a final name starts the job. When the job starts is as on the deploy side: the write
 * that completes the ZIP checks it and says what is wrong, the close that follows signs. A reason is taken by the write
 * that begins it and ends in a newline, else by the close.
 *
 * Who asks is found out anew with each operation, and what a statement says, too: a change acts at once. A caller sees
 * what his own account has handed in, its results and its jobs; two users of one account share them. Size and time of
 * what was handed in are kept, so that a second rsync has nothing to do. What was handed in and its result stay until
 * each is unlinked or their time (SIGNING_KEEP_S) is over; a later one of the same name takes their place; records of
 * jobs stay. All of it is there again after a restart. A result is seen when it is durable; after a crash there is the
 * one before or the new one, whole, and every job that has signed anything can be described and revoked.
 *
 * Modes let everybody through, as the tree decides; directories show whoever came by last as their owner, so that
 * rsync -a may set their times and modes, which changes nothing.
 *
 * Errnos: EACCES no statement allows it, EPERM the profile is cancelled or revoked, or somebody else's staging, ENOENT
 * not visible, EINVAL not an admissible ZIP, name or reason, EEXIST signed already, EFBIG too large (at the write),
 * EROFS what is only to be read, ENFILE and EDQUOT too much at once, ESHUTDOWN the service is stopping. Each refusal
 * has its text in .vouchfs/why and in user.vouchfs.last_{outcome,reason,at,by,detail} of the slot's directory;
 * user.vouchfs.job_id is on results and on what was handed in, user.vouchfs.record (signer_parse_job) on records of
 * jobs. The root has user.vouchfs.{account,region} of the service, and user.vouchfs.caller, the account of whoever
 * asks; EACCES while the home does not say who acts for whom.
 */
#ifndef SIGNING_SIGNING_H
#define SIGNING_SIGNING_H

#include "slots/tree.h"
#include "slots/tree_memory.h"

#define SIGNING_KEEP_S 604800U /* a week */

struct signing;

/* Opens the home (which must be the caller's own, 0700). Failures put one line into ret_errors; -EBUSY: another process
 * serves it. What the service keeps lies in the home's service/. memory: NULL, nobody takes over. */
int signing_open(const char *home, const struct tree_memory *memory, struct signing **ret, struct buf *ret_errors);

/* Whether a key of the home is in a token, by whose module anything may be called. */
bool signing_uses_tokens(const char *home);

extern const struct tree_ops signing_tree_ops; /* on struct signing */

#endif
