/*
 * zip_rules.h - which ZIPs are admissible: the rules, numbered for good.
 *
 * Parsers disagree about odd ZIPs, so a file could pass one parser's check and run as another's code. An archive is
 * admissible when every common parser reads the same tree from it:
 *
 *  R1  begins with a local header at byte 0 and has at least one entry
 *  R2  the last PK\5\6 in the final 65,557 bytes is the end record; its comment ends at the end of the file and holds
 *      no end record, directory record or local header signature
 *  R3  one disk; both entry counts are equal and the directory holds exactly that many records in exactly its size
 *  R4  no ZIP64: no locator, no all-ones sentinel, no extra field 0x0001
 *  R5  tiling: sorted by offset, local header + data + descriptor of each entry abut the next, from byte 0 to the
 *      directory, which ends at the end record; local header and directory agree in version needed, flags, method,
 *      time, CRC, sizes and raw name
 *  R6  a data descriptor (flag bit 3) has its signature and 16 bytes and equals the directory; the local fields are all
 *      zero or all equal; stored data before one holds no PK record signature
 *  R7  stored or deflated, version needed at most 4.5; stored sizes are equal; deflated data is one stream that ends
 *      at its size and yields the stated size; the CRC matches
 *  R8  no flags but bits 1, 2, 3 and 11
 *  R9  extra fields are well-formed, none twice, and only timestamps (not empty), owners, NTFS times and Java's mark
 *  R10 names are strict UTF-8 in NFC, marked as such where they are not ASCII, without control, format, line
 *      separating, private or unassigned characters; relative, with plain components of bounded length and number.
 *      unzip would change a file's name that ends in a VMS version (`;1`), and one that is not ASCII in an archive
 *      made for DOS: neither passes
 *  R11 names are unique, implied folders included, also after NFKC and full case folding; no file is a folder as well
 *  R12 a trailing slash means directory; it has size 0; Unix type and DOS directory bit agree where they are set
 *  R13 regular files and directories only, no volume labels; no setuid, setgid, sticky
 *  R14 limits: unpacked total, number of entries, compression ratios, names that collide in libzip's hash table
 *  R15 no comments on entries
 *  R16 what is hashed, parsed and unpacked is one private copy, opened once
 *  R17 parsers before trust: what another parser (libzip) reads otherwise, or not at all, is refused
 */
#ifndef ARCHIVE_ZIP_RULES_H
#define ARCHIVE_ZIP_RULES_H

enum zip_rule {
	ZIP_R01_START = 1,
	ZIP_R02_END = 2,
	ZIP_R03_COUNTS = 3,
	ZIP_R04_ZIP64 = 4,
	ZIP_R05_TILING = 5,
	ZIP_R06_DESCRIPTOR = 6,
	ZIP_R07_CONTENT = 7,
	ZIP_R08_FLAGS = 8,
	ZIP_R09_EXTRA = 9,
	ZIP_R10_NAME = 10,
	ZIP_R11_DUPLICATE = 11,
	ZIP_R12_DIRECTORY = 12,
	ZIP_R13_TYPE = 13,
	ZIP_R14_LIMITS = 14,
	ZIP_R15_COMMENT = 15,
	ZIP_R16_ONE_COPY = 16,
	ZIP_R17_AGREEMENT = 17,
};

/* One entry may be unpacked to this many times its compressed size (deflate itself cannot do more), and the whole to
 * this many times the file up to its comment where it is above the floor. */
#define ZIP_ENTRY_RATIO_MAX	  1032U
#define ZIP_TOTAL_RATIO_MAX	  200U
#define ZIP_TOTAL_RATIO_MIN_BYTES (1024ULL * 1024ULL)

#endif
