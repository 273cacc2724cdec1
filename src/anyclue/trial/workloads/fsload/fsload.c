/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fsload: the file operations that the built-in workloads are made of.
 *
 *     fsload fill DIR      [writers=8] [files=600] [size=1000] [direct=2]
 *     fsload write DIR     SET
 *     fsload overwrite DIR SET
 *     fsload truncate DIR  SET
 *     fsload verify DIR    SET stage=0|1|2
 *     fsload remove DIR
 *     fsload hold FILE     mib=300
 *     fsload extents DIR
 *     fsload names DIR         [dirs=8] [files=16]
 *     fsload check-names DIR   the same
 *     fsload ranges DIR        [files=8] [kib=512] [steps=60] [seed=1]
 *     fsload check-ranges DIR  the same
 *
 * SET is sizes=N,N,... kinds=text,random,mixed modes=buffered,direct copies=N, and means one file
 * of each combination. Contents are a function of the file, the offset and the stage (0 written,
 * 1 its middle half overwritten, 2 then cut to an odd size), so that verify needs no stored sums.
 * What was done is printed as lines "NAME VALUE"; the exit status is 0, 1 (contents wrong or an
 * operation failed) or 2 (usage). Running out of space is a fact ("enospc 1"), not a failure;
 * "enospc_errors" counts how often that was met.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK 4096
#define LONGEST_LIST 32

static const char *const kind_names[] = { "text", "random", "mixed" };
static const char *const mode_names[] = { "buffered", "direct" };
enum { TEXT, RANDOM, MIXED };
enum { BUFFERED, DIRECT };

struct file {
	long size;
	int kind, mode, copy;
	char path[4096 + 64];
};

/* Shared by the writers of one fill. */
struct tally {
	long files, bytes, direct, fallbacks, enospc;
	int failed;
};

static const char *option(int argc, char **argv, const char *name, const char *fallback)
{
	size_t length = strlen(name);
	int i;

	for (i = 3; i < argc; i++)
		if (!strncmp(argv[i], name, length) && argv[i][length] == '=')
			return argv[i] + length + 1;
	return fallback;
}

static void complain(const char *what, const char *path)
{
	fprintf(stderr, "fsload: %s %s: %s\n", what, path, strerror(errno));
}

/* One block of a file's contents; the same arguments give the same bytes. */
static void make_block(unsigned char *block, int kind, uint64_t seed, uint64_t index, int stage)
{
	static const char words[] = "the quick brown fox jumps over the lazy dog and compresses well; ";
	uint64_t x = seed * 0x9e3779b97f4a7c15ULL + index * 0xbf58476d1ce4e5b9ULL + stage + 1;
	size_t i;

	if (kind == TEXT || (kind == MIXED && index % 2)) {
		for (i = 0; i < BLOCK; i++)
			block[i] = words[(i + x % 61) % (sizeof(words) - 1)];
		return;
	}
	for (i = 0; i < BLOCK; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(block + i, &x, 8);
	}
}

static void overwritten_part(const struct file *file, long *from, long *to)
{
	*from = file->size / 4;
	*to = file->size - file->size / 4;
}

static long final_size(const struct file *file)
{
	return file->size / 2 + (file->size > 1);
}

/* Fill BUFFER with what the file holds at [offset, offset + length) in STAGE. */
static void expect(unsigned char *buffer, const struct file *file, uint64_t seed, long offset,
		   long length, int stage)
{
	unsigned char block[2][BLOCK];
	long from, to, at;

	overwritten_part(file, &from, &to);
	for (at = offset; at < offset + length;) {
		long index = at / BLOCK, begin = at % BLOCK, i;
		long n = BLOCK - begin;

		if (n > offset + length - at)
			n = offset + length - at;
		make_block(block[0], file->kind, seed, index, 0);
		make_block(block[1], file->kind, seed, index, 1);
		for (i = 0; i < n; i++) {
			int newer = stage >= 1 && at + i >= from && at + i < to;

			buffer[at - offset + i] = block[newer][begin + i];
		}
		at += n;
	}
}

static uint64_t seed_of(const struct file *file)
{
	return ((uint64_t)file->size << 16) + file->kind * 1024 + file->mode * 256 + file->copy;
}

/* Write [from, to) of a file; O_DIRECT falls back to buffered where the file system refuses. */
static int write_range(const struct file *file, long from, long to, int stage, struct tally *tally)
{
	static unsigned char *buffer;
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (file->mode == DIRECT ? O_DIRECT : 0);
	int fd = open(file->path, flags, 0644);
	long at;

	if (!buffer && posix_memalign((void **)&buffer, BLOCK, 32 * BLOCK))
		return -1;
	if (fd < 0 && errno == EINVAL && file->mode == DIRECT) {
		tally->fallbacks++;
		fd = open(file->path, flags & ~O_DIRECT, 0644);
	}
	if (fd < 0)
		return -1;
	for (at = from; at < to;) {
		long n = to - at < 32 * BLOCK ? to - at : 32 * BLOCK;
		ssize_t done;

		expect(buffer, file, seed_of(file), at, n, stage);
		done = pwrite(fd, buffer, n, at);
		if (done < 0 && errno == EINVAL && fcntl(fd, F_GETFL) & O_DIRECT) {
			tally->fallbacks++;
			fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_DIRECT);
			continue;
		}
		if (done <= 0) {
			int saved = errno;

			close(fd);
			errno = saved;
			return -1;
		}
		at += done;
		tally->bytes += done;
	}
	return close(fd);
}

static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = fd < 0 ? -1 : syncfs(fd);

	if (result) {
		/* Out of space shows here too: delayed allocation fails at write-back. */
		int out_of_space = errno == ENOSPC;

		complain("cannot sync", path);
		if (fd >= 0)
			close(fd);
		return out_of_space ? 1 : -1;
	}
	close(fd);
	return 0;
}

static void print_tally(const struct tally *tally)
{
	printf("files %ld\nbytes %ld\ndirect %ld\ndirect_fallbacks %ld\n", tally->files,
	       tally->bytes, tally->direct, tally->fallbacks);
	printf("enospc %d\nenospc_errors %ld\n", tally->enospc > 0, tally->enospc);
}

/* One writer of a fill: small files until its share is written or space runs out. */
static void fill_dir(const char *dir, long share, long size, int direct, struct tally *tally)
{
	struct file file = { .size = size, .kind = TEXT, .mode = direct ? DIRECT : BUFFERED };
	long i;

	if (mkdir(dir, 0755)) {
		tally->enospc = errno == ENOSPC;
		tally->failed = errno != ENOSPC;
		return;
	}
	for (i = 0; share == 0 || i < share; i++) {
		snprintf(file.path, sizeof(file.path), "%s/file_%ld", dir, i);
		file.copy = i;
		if (write_range(&file, 0, size, 0, tally)) {
			tally->enospc = errno == ENOSPC;
			if (!tally->enospc) {
				complain("cannot write", file.path);
				tally->failed = 1;
			}
			return;
		}
		tally->files++;
		tally->direct += direct;
	}
}

static int fill(int argc, char **argv, const char *dir)
{
	long writers = atol(option(argc, argv, "writers", "8"));
	long files = atol(option(argc, argv, "files", "600"));
	long size = atol(option(argc, argv, "size", "1000"));
	long every = atol(option(argc, argv, "direct", "2"));
	struct tally *tally, sum = { 0 };
	long i;

	if (writers < 1 || writers > 256 || files < 0 || size < 1) {
		fprintf(stderr, "fsload: fill: an option is out of range\n");
		return 2;
	}
	tally = mmap(NULL, writers * sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		return 1;
	for (i = 0; i < writers; i++) {
		/* The first writers take what does not divide; files=0 means until space runs out. */
		long share = files / writers + (i < files % writers);
		char path[4096];

		if (files && !share)
			continue;
		snprintf(path, sizeof(path), "%s/dir_%ld", dir, i);
		switch (fork()) {
		case -1:
			complain("cannot start the writer of", path);
			sum.failed = 1;
			break;
		case 0:
			fill_dir(path, files ? share : 0, size, every && i % every == every - 1,
				 &tally[i]);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	for (i = 0; i < writers; i++) {
		sum.files += tally[i].files;
		sum.bytes += tally[i].bytes;
		sum.direct += tally[i].direct;
		sum.fallbacks += tally[i].fallbacks;
		sum.enospc += tally[i].enospc;
		sum.failed |= tally[i].failed;
	}
	i = sync_dir(dir);
	sum.enospc += i == 1;
	print_tally(&sum);
	return sum.failed || i < 0;
}

static int parse_list(const char *text, const char *const *names, int count, long *out)
{
	char copy[512], *save, *word;
	int n = 0, i;

	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (n == LONGEST_LIST)
			return -1;
		if (!names) {
			out[n] = atol(word);
			if (out[n] < 1)
				return -1;
			n++;
			continue;
		}
		for (i = 0; i < count && strcmp(word, names[i]); i++)
			;
		if (i == count)
			return -1;
		out[n++] = i;
	}
	return n;
}

/* Call VISIT for every file of the set; stop at the first that returns non-zero. */
static int each_file(int argc, char **argv, const char *dir,
		     int (*visit)(struct file *file, void *with), void *with)
{
	long sizes[LONGEST_LIST], kinds[LONGEST_LIST], modes[LONGEST_LIST];
	int nr_sizes = parse_list(option(argc, argv, "sizes", ""), NULL, 0, sizes);
	int nr_kinds = parse_list(option(argc, argv, "kinds", "text"), kind_names, 3, kinds);
	int nr_modes = parse_list(option(argc, argv, "modes", "buffered"), mode_names, 2, modes);
	long copies = atol(option(argc, argv, "copies", "1"));
	int s, k, m, result = 0;
	long c;

	if (nr_sizes < 1 || nr_kinds < 1 || nr_modes < 1 || copies < 1) {
		fprintf(stderr, "fsload: the set of files is wrong: sizes=, kinds=, modes=, copies=\n");
		return 2;
	}
	for (s = 0; s < nr_sizes && !result; s++)
		for (k = 0; k < nr_kinds && !result; k++)
			for (m = 0; m < nr_modes && !result; m++)
				for (c = 0; c < copies && !result; c++) {
					struct file file = { .size = sizes[s], .kind = kinds[k],
							     .mode = modes[m], .copy = c };

					snprintf(file.path, sizeof(file.path), "%s/%s-%s-%ld-%ld",
						 dir, kind_names[file.kind], mode_names[file.mode],
						 file.size, c);
					result = visit(&file, with);
				}
	return result;
}

static int failed_write(const struct file *file, struct tally *tally)
{
	if (errno == ENOSPC) {
		tally->enospc++;
		return 0;
	}
	complain("cannot write", file->path);
	return 1;
}

static int visit_write(struct file *file, void *with)
{
	struct tally *tally = with;

	if (write_range(file, 0, file->size, 0, tally))
		return failed_write(file, tally);
	tally->files++;
	tally->direct += file->mode == DIRECT;
	return 0;
}

static int visit_overwrite(struct file *file, void *with)
{
	struct tally *tally = with;
	long from, to;
	int fd;

	overwritten_part(file, &from, &to);
	if (write_range(file, from, to, 1, tally))
		return failed_write(file, tally);
	fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd)) {
		complain("cannot fsync", file->path);
		return 1;
	}
	close(fd);
	tally->files++;
	return 0;
}

static int visit_truncate(struct file *file, void *with)
{
	struct tally *tally = with;

	if (truncate(file->path, final_size(file))) {
		complain("cannot truncate", file->path);
		return 1;
	}
	tally->files++;
	return 0;
}

struct verification {
	int stage;
	struct tally tally;
};

static int visit_verify(struct file *file, void *with)
{
	static unsigned char have[32 * BLOCK], want[32 * BLOCK];
	struct verification *verification = with;
	long size = verification->stage == 2 ? final_size(file) : file->size;
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	long at = 0;

	if (fd < 0 || fstat(fd, &stat)) {
		complain("cannot open", file->path);
		return 1;
	}
	if (stat.st_size != size) {
		fprintf(stderr, "fsload: %s: size is %lld, expected %ld\n", file->path,
			(long long)stat.st_size, size);
		return 1;
	}
	while (at < size) {
		ssize_t n = read(fd, have, sizeof(have));
		long i;

		if (n <= 0) {
			complain("cannot read", file->path);
			return 1;
		}
		expect(want, file, seed_of(file), at, n, verification->stage);
		for (i = 0; i < n && have[i] == want[i]; i++)
			;
		if (i < n) {
			fprintf(stderr, "fsload: %s: wrong contents at byte %ld\n", file->path, at + i);
			return 1;
		}
		at += n;
	}
	close(fd);
	verification->tally.files++;
	verification->tally.bytes += size;
	return 0;
}

static int on_set(int argc, char **argv, const char *dir, int (*visit)(struct file *, void *))
{
	struct tally tally = { 0 };
	int result = each_file(argc, argv, dir, visit, &tally);
	int synced = result ? 0 : sync_dir(dir);

	tally.enospc |= synced == 1;
	print_tally(&tally);
	return result ? result : synced < 0;
}

static int verify(int argc, char **argv, const char *dir)
{
	struct verification verification = { .stage = atoi(option(argc, argv, "stage", "0")) };
	int result = each_file(argc, argv, dir, visit_verify, &verification);

	printf("verified_files %ld\nverified_bytes %ld\n", verification.tally.files,
	       verification.tally.bytes);
	return result;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

static int remove_all(const char *dir)
{
	if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT)) {
		complain("cannot remove what is in", dir);
		return 1;
	}
	return 0;
}

/* Leave page cache behind on purpose: a file that stays, read once. */
static int hold(int argc, char **argv, const char *path)
{
	static unsigned char text[64 * BLOCK];
	long mib = atol(option(argc, argv, "mib", "300")), i;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0) {
		complain("cannot open", path);
		return 1;
	}
	for (i = 0; i < mib * 4; i++) {
		make_block(text, TEXT, i, i, 0);
		if (write(fd, text, sizeof(text)) != (ssize_t)sizeof(text)) {
			complain("cannot write", path);
			return 1;
		}
	}
	printf("files 1\nbytes %ld\n", mib << 20);
	return fsync(fd) != 0;
}

/* Count the extents of a Btrfs subvolume by compression, on disk and inline (BTRFS_IOC_TREE_SEARCH). */
static int extents(const char *dir)
{
	static const char *const names[] = { "none", "zlib", "lzo", "zstd", "other" };
	struct btrfs_ioctl_search_args args = { 0 };
	struct btrfs_ioctl_search_key *key = &args.key;
	long counts[5] = { 0 }, inlined = 0;
	int fd = open(dir, O_RDONLY | O_CLOEXEC), i;

	if (fd < 0) {
		complain("cannot open", dir);
		return 1;
	}
	key->tree_id = 0; /* the subvolume that dir is in */
	key->min_objectid = BTRFS_FIRST_FREE_OBJECTID;
	key->max_objectid = key->max_offset = key->max_transid = (uint64_t)-1;
	key->min_type = 0;
	key->max_type = 255;
	for (;;) {
		unsigned long at = 0;
		unsigned int n;
		struct btrfs_ioctl_search_header header;

		key->nr_items = 4096;
		if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args)) {
			complain("cannot search the tree of", dir);
			return 1;
		}
		if (!key->nr_items)
			break;
		for (n = 0; n < key->nr_items; n++) {
			struct btrfs_file_extent_item item;

			memcpy(&header, args.buf + at, sizeof(header));
			at += sizeof(header);
			if (header.type == BTRFS_EXTENT_DATA_KEY &&
			    header.len >= offsetof(struct btrfs_file_extent_item, disk_bytenr)) {
				memset(&item, 0, sizeof(item));
				memcpy(&item, args.buf + at,
				       header.len < sizeof(item) ? header.len : sizeof(item));
				inlined += item.type == BTRFS_FILE_EXTENT_INLINE;
				counts[item.compression < 4 ? item.compression : 4]++;
			}
			at += header.len;
		}
		key->min_objectid = header.objectid;
		key->min_type = header.type;
		key->min_offset = header.offset + 1;
		if (!key->min_offset && ++key->min_type > 255) {
			key->min_type = 0;
			key->min_objectid++;
		}
	}
	for (i = 0; i < 5; i++)
		printf("extents_%s %ld\n", names[i], counts[i]);
	printf("extents_inline %ld\n", inlined);
	return 0;
}

/* What a file system may not have: found out by trying, so that a check knows it, too. */
enum { LINKS = 1, SYMLINKS = 2, XATTRS = 4, ACLS = 8 };

/* An access ACL in the form of the attribute system.posix_acl_access: version 2, five entries. */
static const unsigned char acl[] = {
	2, 0, 0, 0,
	0x01, 0, 6, 0, 255, 255, 255, 255, /* the owner: rw */
	0x02, 0, 4, 0, 1, 0, 0, 0,         /* user 1: r */
	0x04, 0, 4, 0, 255, 255, 255, 255, /* the group: r */
	0x10, 0, 4, 0, 255, 255, 255, 255, /* the mask */
	0x20, 0, 4, 0, 255, 255, 255, 255, /* others: r */
};
#define ACL "system.posix_acl_access"
#define PATH 4096

static int probe_names(const char *dir)
{
	char path[PATH], other[PATH];
	int has = 0, fd;

	snprintf(path, sizeof(path), "%s/probe", dir);
	snprintf(other, sizeof(other), "%s/probe-other", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	close(fd);
	if (!link(path, other) && !unlink(other))
		has |= LINKS;
	if (!symlink("probe", other) && !unlink(other))
		has |= SYMLINKS;
	if (!setxattr(path, "user.probe", "x", 1, 0))
		has |= XATTRS;
	if (!setxattr(path, ACL, acl, sizeof(acl), 0))
		has |= ACLS;
	return unlink(path) ? -1 : has;
}

/* The value of one of a file's attributes: few different ones, so that blocks of them are shared. */
static size_t xattr_value(char *value, long file, int is_long)
{
	size_t length = is_long ? 500 : 40;

	memset(value, 'a' + file % 3, length);
	return length;
}

/* Where file I of directory D ends: every other one is moved to the next directory. */
static void final_name(char *path, const char *dir, long d, long i, long dirs)
{
	if (i % 2)
		snprintf(path, PATH, "%s/d%ld/e/file%ld", dir, d, i);
	else
		snprintf(path, PATH, "%s/d%ld/moved%ld-%ld", dir, (d + 1) % dirs, d, i);
}

static int make_name(const char *dir, long d, long i, long dirs, int has, long *done)
{
	char path[PATH], other[PATH], final[PATH], value[512];
	int fd, is_long;

	snprintf(path, sizeof(path), "%s/d%ld/e/file%ld", dir, d, i);
	final_name(final, dir, d, i, dirs);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	if (write(fd, path, strlen(path)) != (ssize_t)strlen(path)) {
		close(fd);
		return -1;
	}
	if (close(fd))
		return -1;
	done[0]++;
	if (has & XATTRS) {
		for (is_long = 0; is_long < 2; is_long++) {
			const char *name = is_long ? "user.long" : "user.short";

			if (setxattr(path, name, "before", 6, XATTR_CREATE) ||
			    setxattr(path, name, value, xattr_value(value, i, is_long), XATTR_REPLACE))
				return -1;
			done[1] += 2;
		}
		if (i % 4 == 1 && removexattr(path, "user.short"))
			return -1;
	}
	if (has & ACLS && i % 4 == 2 && setxattr(path, ACL, acl, sizeof(acl), 0))
		return -1;
	if (has & LINKS) {
		snprintf(other, sizeof(other), "%s/d%ld/link%ld", dir, d, i);
		if (link(path, other))
			return -1;
		done[2]++;
	}
	if (has & SYMLINKS) {
		snprintf(other, sizeof(other), "%s/d%ld/symlink%ld", dir, d, i);
		if (symlink(final, other))
			return -1;
		done[3]++;
	}
	if (strcmp(path, final)) {
		if (rename(path, final))
			return -1;
		done[4]++;
	}
	return 0;
}

static int wrong_name(const char *what, const char *path)
{
	fprintf(stderr, "fsload: %s: wrong contents: %s\n", path, what);
	return 1;
}

static int check_name(const char *dir, long d, long i, long dirs, int has)
{
	char path[PATH], other[PATH], final[PATH], value[512], found[PATH];
	struct stat stat;
	ssize_t n;
	int fd, is_long;

	snprintf(path, sizeof(path), "%s/d%ld/e/file%ld", dir, d, i);
	final_name(final, dir, d, i, dirs);
	if (lstat(final, &stat))
		return wrong_name("it is gone", final);
	if (stat.st_nlink != (has & LINKS ? 2u : 1u))
		return wrong_name("the number of its links", final);
	fd = open(final, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, found, sizeof(found));
	if (fd >= 0)
		close(fd);
	if (n != (ssize_t)strlen(path) || memcmp(found, path, n))
		return wrong_name("what was written", final);
	for (is_long = 0; has & XATTRS && is_long < 2; is_long++) {
		size_t length = xattr_value(value, i, is_long);

		n = getxattr(final, is_long ? "user.long" : "user.short", found, sizeof(found));
		if (!is_long && i % 4 == 1) {
			if (n >= 0 || errno != ENODATA)
				return wrong_name("an attribute that was removed", final);
		} else if (n != (ssize_t)length || memcmp(found, value, length)) {
			return wrong_name("an attribute", final);
		}
	}
	if (has & ACLS && i % 4 == 2) {
		n = getxattr(final, ACL, found, sizeof(found));
		if (n != sizeof(acl) || memcmp(found, acl, n))
			return wrong_name("its ACL", final);
	}
	if (has & SYMLINKS) {
		snprintf(other, sizeof(other), "%s/d%ld/symlink%ld", dir, d, i);
		n = readlink(other, found, sizeof(found));
		if (n != (ssize_t)strlen(final) || memcmp(found, final, n))
			return wrong_name("where the link leads", other);
	}
	return 0;
}

static int names(int argc, char **argv, const char *dir, int checks)
{
	long dirs = atol(option(argc, argv, "dirs", "8"));
	long files = atol(option(argc, argv, "files", "16"));
	long done[5] = { 0 }, d, i, checked = 0;
	int has = probe_names(dir), enospc = 0, result = 0;
	char path[PATH];

	if (dirs < 2 || files < 1) {
		fprintf(stderr, "fsload: names: an option is out of range\n");
		return 2;
	}
	if (has < 0) {
		complain("cannot try what there is in", dir);
		return 1;
	}
	for (d = 0; d < dirs && !checks && !result && !enospc; d++) {
		snprintf(path, sizeof(path), "%s/d%ld", dir, d);
		result = mkdir(path, 0755);
		snprintf(path, sizeof(path), "%s/d%ld/e", dir, d);
		if (result || mkdir(path, 0755)) {
			enospc = errno == ENOSPC;
			result = !enospc;
			if (result)
				complain("cannot make", path);
		}
	}
	for (d = 0; d < dirs && !result && !enospc; d++)
		for (i = 0; i < files && !result && !enospc; i++) {
			if (checks) {
				result = check_name(dir, d, i, dirs, has);
				checked++;
			} else if (make_name(dir, d, i, dirs, has, done)) {
				enospc = errno == ENOSPC;
				result = !enospc;
				if (result)
					complain("cannot make, link, attribute or rename a file of", dir);
			}
		}
	if (checks) {
		printf("verified_files %ld\n", checked);
		return result;
	}
	i = sync_dir(dir);
	printf("files %ld\nxattrs %ld\nlinks %ld\nsymlinks %ld\nrenames %ld\nenospc %d\n", done[0],
	       done[1], done[2], done[3], done[4], enospc | (i == 1));
	return result || i < 0;
}

/*
 * Steps on ranges of a file, drawn by seed: each is made to the file and to its image in memory.
 * A check draws the same steps, and makes them to the image alone.
 */
enum step {
	WRITE, MAP, DIRECT_WRITE, ALLOCATE, PUNCH, ZERO, COLLAPSE, INSERT, TRUNCATE, CLONE, FSYNC,
	NR_STEPS
};
static const char *const step_names[NR_STEPS] = {
	"writes", "maps", "direct_writes", "allocations", "punches", "zeroings", "collapses",
	"insertions", "truncations", "clones", "fsyncs",
};

struct image {
	unsigned char *bytes; /* 0 from size to limit */
	long size, limit;
};

struct range {
	int step;
	long at, length;
	uint64_t seed;
};

static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One step that the file's size allows; its length is 0 where there is none of its kind. */
static struct range draw_range(uint64_t *state, const struct image *image)
{
	struct range range = { .step = draw(state) % NR_STEPS, .seed = draw(state) };
	long size = image->size, limit = image->limit, blocks = limit / BLOCK;

	range.at = draw(state) % (limit - 1);
	range.length = 1 + draw(state) % (limit / 4);
	switch (range.step) {
	case DIRECT_WRITE:
	case COLLAPSE:
	case INSERT:
	case CLONE:
		range.at = range.at / BLOCK * BLOCK;
		range.length = BLOCK * (1 + draw(state) % (blocks / 8));
		break;
	case TRUNCATE:
		range.length = 1;
		return range;
	case FSYNC:
		return range;
	}
	if (range.at + range.length > limit)
		range.length = (limit - range.at) / BLOCK * BLOCK;
	if ((range.step == MAP || range.step == PUNCH) && range.at + range.length > size)
		range.length = range.at < size ? size - range.at : 0;
	if (range.step == COLLAPSE && range.at + range.length >= size)
		range.length = 0;
	if (range.step == INSERT && (range.at >= size || size + range.length > limit))
		range.length = 0;
	if (range.step == CLONE && range.at + 2 * range.length > size)
		range.length = 0;
	return range;
}

static void fill_range(unsigned char *bytes, const struct range *range)
{
	unsigned char block[BLOCK];
	long at, n;

	for (at = 0; at < range->length; at += n) {
		n = range->length - at < BLOCK ? range->length - at : BLOCK;
		make_block(block, MIXED, range->seed, at / BLOCK, 0);
		memcpy(bytes + at, block, n);
	}
}

static void apply_to_image(struct image *image, const struct range *range)
{
	unsigned char *bytes = image->bytes + range->at;
	long end = range->at + range->length;

	switch (range->step) {
	case WRITE:
	case DIRECT_WRITE:
	case MAP:
		fill_range(bytes, range);
		break;
	case PUNCH:
	case ZERO:
		memset(bytes, 0, range->length);
		break;
	case COLLAPSE:
		memmove(bytes, bytes + range->length, image->size - end);
		image->size -= range->length;
		memset(image->bytes + image->size, 0, range->length);
		return;
	case INSERT:
		memmove(bytes + range->length, bytes, image->size - range->at);
		memset(bytes, 0, range->length);
		image->size += range->length;
		return;
	case TRUNCATE:
		if (range->at < image->size)
			memset(bytes, 0, image->size - range->at);
		image->size = range->at;
		return;
	case CLONE:
		memcpy(bytes + range->length, bytes, range->length);
		return;
	case FSYNC:
		return;
	}
	if (end > image->size)
		image->size = end;
}

static int write_all(int fd, const unsigned char *bytes, long length, long at)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, bytes, length, at);

		if (n <= 0)
			return -1;
		bytes += n;
		length -= n;
		at += n;
	}
	return 0;
}

static int apply_to_file(int fd, int direct, const struct range *range)
{
	static unsigned char *buffer;
	static const int modes[NR_STEPS] = {
		[PUNCH] = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		[ZERO] = FALLOC_FL_ZERO_RANGE,
		[COLLAPSE] = FALLOC_FL_COLLAPSE_RANGE,
		[INSERT] = FALLOC_FL_INSERT_RANGE,
	};
	struct file_clone_range clone = { .src_fd = fd, .src_offset = range->at,
					  .src_length = range->length,
					  .dest_offset = range->at + range->length };
	long page = sysconf(_SC_PAGESIZE), from = range->at / page * page;
	unsigned char *map;

	if (!buffer && posix_memalign((void **)&buffer, BLOCK, 16 << 20))
		return -1;
	switch (range->step) {
	case WRITE:
	case DIRECT_WRITE:
		fill_range(buffer, range);
		return write_all(range->step == WRITE ? fd : direct, buffer, range->length, range->at);
	case MAP:
		map = mmap(NULL, range->at - from + range->length, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, from);
		if (map == MAP_FAILED)
			return -1;
		fill_range(map + (range->at - from), range);
		return munmap(map, range->at - from + range->length);
	case TRUNCATE:
		return ftruncate(fd, range->at);
	case CLONE:
		return ioctl(fd, FICLONERANGE, &clone);
	case FSYNC:
		return fsync(fd);
	default:
		return fallocate(fd, modes[range->step], range->at, range->length);
	}
}

/* Which steps the file system has; -1 where that cannot be found out. */
static int probe_ranges(const char *dir)
{
	char path[PATH];
	int has = 0, step, fd, direct;

	snprintf(path, sizeof(path), "%s/probe", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	for (step = 0; fd >= 0 && step < NR_STEPS; step++) {
		struct range range = { .step = step, .at = 0, .length = 4 * BLOCK };

		if (ftruncate(fd, 0) || ftruncate(fd, 16 * BLOCK) ||
		    (step == DIRECT_WRITE && direct < 0))
			continue;
		if (!apply_to_file(fd, direct, &range))
			has |= 1 << step;
	}
	if (direct >= 0)
		close(direct);
	return fd < 0 || close(fd) || unlink(path) ? -1 : has;
}

static int compare_image(int fd, const char *path, const struct image *image)
{
	static unsigned char have[32 * BLOCK];
	struct stat stat;
	long at = 0;

	if (fstat(fd, &stat) || stat.st_size != image->size) {
		fprintf(stderr, "fsload: %s: wrong contents: %lld bytes, expected %ld\n", path,
			(long long)stat.st_size, image->size);
		return 1;
	}
	while (at < image->size) {
		ssize_t n = pread(fd, have, sizeof(have), at), i;

		if (n <= 0) {
			complain("cannot read", path);
			return 1;
		}
		for (i = 0; i < n && have[i] == image->bytes[at + i]; i++)
			;
		if (i < n) {
			fprintf(stderr, "fsload: %s: wrong contents at byte %ld\n", path, at + (long)i);
			return 1;
		}
		at += n;
	}
	return 0;
}

static int ranges(int argc, char **argv, const char *dir, int checks)
{
	long files = atol(option(argc, argv, "files", "8"));
	long kib = atol(option(argc, argv, "kib", "512"));
	long steps = atol(option(argc, argv, "steps", "60"));
	uint64_t seed = strtoull(option(argc, argv, "seed", "1"), NULL, 10);
	struct image image = { .limit = kib << 10 };
	int has, enospc = 0, result = 0, step;
	long done[NR_STEPS] = { 0 }, file, n;

	if (files < 1 || kib < 64 || kib > 16384 || steps < 1) {
		fprintf(stderr, "fsload: ranges: an option is out of range\n");
		return 2;
	}
	has = probe_ranges(dir);
	image.bytes = malloc(image.limit);
	if (has < 0 || !image.bytes) {
		complain("cannot try what there is in", dir);
		return 1;
	}
	for (file = 0; file < files && !result && !enospc; file++) {
		uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15ULL + file * 2 + 1;
		int flags = O_RDWR | O_CLOEXEC | (checks ? 0 : O_CREAT | O_EXCL), fd, direct;
		char path[PATH];

		snprintf(path, sizeof(path), "%s/ranges%ld", dir, file);
		fd = open(path, flags, 0644);
		direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
		memset(image.bytes, 0, image.limit);
		image.size = 0;
		for (n = 0; fd >= 0 && n < steps; n++) {
			struct range range = draw_range(&state, &image);

			if (!range.length || !(has & 1 << range.step))
				continue;
			if (!checks && apply_to_file(fd, direct, &range))
				break;
			apply_to_image(&image, &range);
			done[range.step]++;
		}
		if (fd < 0 || n < steps) {
			enospc = errno == ENOSPC || errno == EDQUOT;
			result = !enospc;
			if (result)
				complain("cannot make the steps of", path);
		} else {
			result = compare_image(fd, path, &image);
		}
		if (direct >= 0)
			close(direct);
		if (fd >= 0)
			close(fd);
	}
	free(image.bytes);
	if (checks) {
		printf("verified_files %ld\n", file);
		return result;
	}
	n = sync_dir(dir);
	printf("files %ld\nenospc %d\n", file, enospc | (n == 1));
	for (step = 0; step < NR_STEPS; step++)
		printf("%s %ld\n", step_names[step], done[step]);
	return result || n < 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "", *path = argc > 2 ? argv[2] : "";

	if (!strcmp(verb, "fill"))
		return fill(argc, argv, path);
	if (!strcmp(verb, "write"))
		return on_set(argc, argv, path, visit_write);
	if (!strcmp(verb, "overwrite"))
		return on_set(argc, argv, path, visit_overwrite);
	if (!strcmp(verb, "truncate"))
		return on_set(argc, argv, path, visit_truncate);
	if (!strcmp(verb, "verify"))
		return verify(argc, argv, path);
	if (!strcmp(verb, "remove"))
		return remove_all(path);
	if (!strcmp(verb, "hold"))
		return hold(argc, argv, path);
	if (!strcmp(verb, "extents"))
		return extents(path);
	if (!strcmp(verb, "names") || !strcmp(verb, "check-names"))
		return names(argc, argv, path, *verb == 'c');
	if (!strcmp(verb, "ranges") || !strcmp(verb, "check-ranges"))
		return ranges(argc, argv, path, *verb == 'c');
	fprintf(stderr, "usage: fsload fill|write|overwrite|truncate|verify|remove|hold|extents|names|"
			"check-names|ranges|check-ranges PATH [NAME=VALUE...]\n");
	return 2;
}
