/*
 * limits.h - the named maximum of everything whose size comes from outside.
 * A size without a name here is a bug.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* artifacts */
#define LIMIT_ARTIFACT_BYTES_DEFAULT 262144000ULL
#define LIMIT_UNPACKED_BYTES_DEFAULT 262144000ULL
#define LIMIT_ZIP_COMMENT_BYTES	     65535U
#define LIMIT_ZIP_ENTRIES	     65534U
#define LIMIT_ZIP_ENTRIES_IN_ORDER   256U /* as many take libzip longer than a thread to start */
#define LIMIT_ZIP_NAME_BYTES	     1024U
#define LIMIT_ZIP_COMPONENT_BYTES    255U
#define LIMIT_ZIP_COMPONENTS	     64U

/* signatures */
#define LIMIT_SIGNATURE_COMMENT_BYTES 28672U /* what a signer writes; readers take any comment */
#define LIMIT_STATEMENT_BYTES	      4096U
#define LIMIT_REVOCATION_LIST_BYTES   4194304U
#define LIMIT_LIST_SETTLE_MS	      500  /* a list's file may be torn or gone, while it is written */
#define LIMIT_LIST_AGAIN_MS	      1000 /* one that the host could not read is read again */
#define LIMIT_REASON_BYTES	      500U
#define LIMIT_INTERMEDIATES	      2U
#define LIMIT_CLOCK_AHEAD_S	      300

/* names */
#define LIMIT_NAME_BYTES	  255U
#define LIMIT_FUNCTION_NAME_BYTES 64U
#define LIMIT_LAYERS		  5U /* of a function, as in Lambda */
#define LIMIT_PROFILE_NAME_BYTES  64U

/* files that are read whole */
#define LIMIT_CONFIG_FILE_BYTES 1048576U
#define LIMIT_PEM_FILE_BYTES	262144U
#define LIMIT_RECORD_BYTES	262144U
#define LIMIT_RELEASE_BYTES	1048576U /* with the comments of its layers */
#define LIMIT_LAYER_LIST_BYTES	4096U
#define LIMIT_LAYER_STATEMENTS	64U
#define LIMIT_LAYER_ABOUT_BYTES 2048U /* a text of its publisher's: 512 characters */
#define LIMIT_MOUNTINFO_BYTES	67108864U
#define LIMIT_STATUS_BYTES	268435456U /* status.json: 200,000 slots */

/* configuration: what inih as packaged takes whole, and counts that keep a load short */
#define LIMIT_CONFIG_LINE_BYTES	   198U
#define LIMIT_CONFIG_SECTION_BYTES 49U
#define LIMIT_CONFIG_FILES	   1024U
#define LIMIT_CONFIG_SECTIONS	   131072U
#define LIMIT_CONFIG_SETTINGS	   524288U
#define LIMIT_CONFIG_LIST_ITEMS	   256U
#define LIMIT_CONFIG_ERRORS	   100U

/* staging */
#define LIMIT_STAGING_FILES_PER_SLOT 1024U
#define LIMIT_UPLOADS_PER_SLOT	     2048U /* staging files, and files that are open for writing */
#define LIMIT_PUBLISHED_NAME_MS	     60000 /* the name that a layer version was written under is found */
#define LIMIT_STAGED_PER_SLOT	     8U	   /* bytes of them all, in artifacts of max_artifact_size */

/* releases that fell out of keep_releases: whoever has read the link still finds what it names */
#define LIMIT_RELEASE_GRACE_MS	5000 /* after another one became current */
#define LIMIT_RELEASES_IN_GRACE 256U /* of a slot; one more, and the oldest goes early */

/* what a daemon leaves to the one that takes over its mount: names of slots, in a memfd of 80 MB then */
#define LIMIT_TREE_NAMES 1048576U

/* requests of FUSE */
#define LIMIT_LOOK_US 100 /* for the next one, before a thread sleeps: about what being woken takes */

/* A daemon that died is replaced: at once, then after pauses that double, then no more. Who has served for a while does
 * not die of what the one before died of, so that one is the first again. */
#define LIMIT_SERVICE_HEARD_MS 5000 /* until systemd has heard what it was told */
#define LIMIT_MOUNT_ANSWER_MS  300  /* without an answer a mount counts as one that nobody serves */
#define LIMIT_REPLACE_AT_ONCE  2U
#define LIMIT_REPLACE_RESENT   3U /* deaths; what is sent again after them is not done again, but refused */
#define LIMIT_REPLACE_TRIES    10U
#define LIMIT_REPLACE_PAUSE_MS 100 /* the first; all of them together some 25 s */
#define LIMIT_REPLACE_STAYS_MS 1000
#define LIMIT_REPLACE_START_MS 30000 /* until it serves, or is killed */
#define LIMIT_LEAVE_MS	       5000  /* that a daemon which is to be replaced waits for who writes */
#define LIMIT_LEAVE_END_MS     10000 /* and until it has ended, or is killed */
#define LIMIT_TAKEOVER_BYTES   65536 /* of what one program leaves to the next */
#define LIMIT_PROGRAM_CHECK_MS 5000

/* descriptors: the system's limit; what to do is said wherever it is met */
/* What the daemon has open for itself, and for a few calls in flight. */
#define LIMIT_DESCRIPTORS_OWN	 48U
#define LIMIT_DESCRIPTORS_REMEDY "raise LimitNOFILE= of its service, or ulimit -n"

/* hooks */
#define LIMIT_HOOKS	      64U   /* executables that are run for a record */
#define LIMIT_HOOK_RECORDS    1024U /* that wait */
#define LIMIT_HOOK_LINES      20U   /* of a hook's output in the log */
#define LIMIT_HOOK_LINE_BYTES 400U
#define LIMIT_HOOK_GRACE_MS   2000 /* for what still runs or waits when the mount ends */

/* the page of a report */
#define LIMIT_REPORT_RELEASES_PER_SLOT 20U /* of its history, the newest */
#define LIMIT_REPORT_RELEASES	       2000U
#define LIMIT_HISTORY_BYTES	       16777216U /* of a function, as JSON */

/* a config that an administrator relaxes for a while */
#define LIMIT_BREAK_GLASS_MINUTES 1440

/* what a reload did: functions of each kind of effect that are told of one by one */
#define LIMIT_EFFECT_ROWS 25

/* a pattern that is bound to another config: functions that go by it which have a record of their own */
#define LIMIT_BINDING_ROWS 25
/* what the store remembers of them all: a line for each section, with two names or a name and a digest */
#define LIMIT_BINDINGS_BYTES (112UL * LIMIT_CONFIG_SECTIONS)

/* Policy bundles: files in one, bytes of them all; and how many differences of a host are shown. */
#define LIMIT_BUNDLE_FILES     256U
#define LIMIT_BUNDLE_BYTES     4194304U
#define LIMIT_BUNDLE_ZIP_BYTES 8388608U /* the file, with headers and signature */
#define LIMIT_DRIFT_ITEMS      100
#define LIMIT_DRIFT_SETTLE_MS  10000 /* who goes on changing files is looked at all the same */
#define LIMIT_DRIFT_AGAIN_S    60    /* after a check for which there was no memory */
#define LIMIT_REMEDIES_AN_HOUR 12U
#define LIMIT_REMEDY_NAMES     100U /* of one file that was set aside more than once in a second */

/* How long it may take to fetch a bundle from [policy] source, and what is done for it. */
#define LIMIT_FETCH_REDIRECTS  3
#define LIMIT_FETCH_CONNECT_S  15
#define LIMIT_FETCH_S	       300
#define LIMIT_FETCH_SLOW_BYTES 1024 /* a second: what is slower than that for so long has stopped */
#define LIMIT_FETCH_SLOW_S     30
#define LIMIT_FETCH_LINE_BYTES 500U /* of what is told about a look at it */
/* hosts in the table of a fleet */
#define LIMIT_FLEET_HOSTS 10000U

/* logs */
#define LIMIT_AUDIT_RECORD_BYTES 2048U
#define LIMIT_LOG_LINES		 1024U /* that wait for the daemon's log to be written */
#define LIMIT_LOG_CLOSE_MS	 1000  /* that the end of the daemon waits for its log */

/* events: the last records in memory, and who waits for the next */
#define LIMIT_RECENT_RECORDS	     2048U
#define LIMIT_RECENT_BYTES	     1048576U
#define LIMIT_EVENT_READERS	     256U
#define LIMIT_EVENT_READERS_RESERVED 32U /* of them, for root and the service's user */
#define LIMIT_EVENT_READ_BYTES	     65536U

/* metrics: more slots than that have no series of their own, and vouchfs_slots_without_series says how many */
#define LIMIT_METRICS_SLOTS 2000U
#define LIMIT_METRICS_BYTES 67108864U

#endif
