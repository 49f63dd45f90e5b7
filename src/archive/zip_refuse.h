/*
 * zip_refuse.h - how a broken rule is put into words.
 *
 * Each remedy was followed with the tools of Debian 12 and led to an archive that passes;
 * tests/unit/test_zip_remedies.c repeats it. `zip` keeps what an old archive holds, so all of them write a new one.
 */
#ifndef ARCHIVE_ZIP_REFUSE_H
#define ARCHIVE_ZIP_REFUSE_H

#include "archive/zip.h"
#include "archive/zip_rules.h"

#define REMEDY_ZIP    "in the folder of its files: zip -r ../new.zip ."
#define REMEDY_PYTHON "in the folder of its files: python3 -m zipfile -c ../new.zip ."

#define REMEDY_RECREATE	 "unpack it, check the files, and create it anew, " REMEDY_ZIP
#define REMEDY_NOT_EMPTY "put at least one file into it, " REMEDY_ZIP
#define REMEDY_ZIP64	 "create it from files, not from a pipe, " REMEDY_ZIP
#define REMEDY_SEEKABLE	 "create it with zip or python3, zip not writing into a pipe, " REMEDY_ZIP
#define REMEDY_PLAIN	 "create it without encryption, " REMEDY_ZIP
#define REMEDY_EXTRA	 "create it without extra fields, in the folder of its files: zip -X -r ../new.zip ."
#define REMEDY_UTF8	 "zip does not mark names as UTF-8, Python does, " REMEDY_PYTHON
#define REMEDY_HOST	 "create it on Linux with Python, " REMEDY_PYTHON
#define REMEDY_RENAME	 "rename the file and create the archive anew, " REMEDY_PYTHON
#define REMEDY_NFC                                                                                                     \
	"normalize the names (convmv -r -f utf8 -t utf8 --nfc --notest .) and create the archive anew, " REMEDY_PYTHON
#define REMEDY_LINKS	"leave out devices and pack what links point to (zip without -y), " REMEDY_ZIP
#define REMEDY_MODE	"chmod -R u-s,g-s,-t . and create the archive anew, " REMEDY_ZIP
#define REMEDY_COMMENTS "create it without comments on entries (zip without -c), " REMEDY_ZIP
#define REMEDY_STORED	"store what compresses that well, in the folder of its files: zip -0 -r ../new.zip ."
#define REMEDY_SMALLER	"leave out what the function does not need, or split it into layers"

/* Fills *refusal (NULL is fine) and returns -EBADMSG. */
int zip_refuse(struct zip_refusal *refusal, enum zip_rule rule, const char *remedy, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* The same about one entry: `entry "name": ` in front, the name escaped. */
int zip_refuse_entry(struct zip_refusal *refusal, enum zip_rule rule, const char *remedy, const char *name,
		     size_t name_len, const char *format, ...) PRINTF_LIKE(6, 7);

#endif
