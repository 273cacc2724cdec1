/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * anyclue's agent in the guest: runs commands for the host, samples memory, forwards the kernel log.
 *
 *     agent CONTROL TELEMETRY
 *
 * It is PID 1 of a lean guest, so the OOM killer cannot take it; it never allocates after start-up
 * in proportion to anything that the guest does.
 *
 * CONTROL, host to guest: a header line "VERB NUMBER LENGTH\n", then LENGTH bytes of payload.
 *     run 0 LENGTH       payload is a shell script; its output comes back as it is written
 *     rate MILLIHERTZ 0  sample at this rate from now on; 0 stops
 *     sample COUNT 0     COUNT samples now, 50 ms apart
 *     floor COUNT 0      the same with what is mounted, each after every slab cache was shrunk, so that
 *                        free objects do not count; then the kernel's threads; status 1 when not every
 *                        cache was shrunk
 *     caches 0 0         the names of slab caches: which of them share one; look for the pool of btrfs
 *     mark 0 LENGTH      payload goes to telemetry as a mark
 *     quiesce MS 0       sync, drop caches, until free memory stands still (at most MS); what vmalloc
 *                        has freed it gives back
 *     send LIMIT LENGTH  payload is "NAME PATH": that file, LIMIT bytes at most, goes to telemetry;
 *                        status 1 when it cannot be opened, 2 when the limit was reached
 *     follow 0 LENGTH    payload is "NAME PATH": from now on what can be read there goes to telemetry
 *                        at every sample; status 1 when it cannot be opened
 *     drain 0 0          what can be read in the followed files goes to telemetry now
 *     sysrq CHARACTER 0  trigger it (ASCII code), also while a command runs; no answer
 * CONTROL, guest to host: "out LENGTH\n" with LENGTH bytes, any number of times; "done STATUS\n".
 *
 * TELEMETRY, guest to host: records "NAME NANOSECONDS LENGTH\n" with LENGTH bytes. NAME is "mark",
 * "kmsg" (one /dev/kmsg record), "raw" (a line with the NAME that send or follow gave, then a piece
 * of that file), "threads" (the kernel's threads, a name a line), "caches" (lines "NAME TARGET", the
 * links in /sys/kernel/slab), "pools" (a line "NAME PAGES" for each pool of free pages that a module
 * keeps for itself) or the name of a /proc file, whole. Time is CLOCK_MONOTONIC, which is the
 * kernel log's own clock. Records of one sample share their time.
 *
 * To read a floor must not change what is read. What it reads stays open, so that reading allocates
 * nothing; a sample is sent when all of it is read.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAYLOAD (1 << 20)
#define MAX_NAME 40
#define MAX_FOLLOWED 16
#define MAX_CACHES 512
#define SLAB "/sys/kernel/slab"

enum { MEMINFO, ZONEINFO, VMSTAT, SLABINFO, VMALLOCINFO, AT_ANY_TIME, MOUNTS = AT_ANY_TIME, AT_FLOORS };
static struct { const char *name, *path; int fd; size_t length; } sampled[] = {
	[MEMINFO] = { "meminfo", "/proc/meminfo", -1, 0 },
	[ZONEINFO] = { "zoneinfo", "/proc/zoneinfo", -1, 0 },
	[VMSTAT] = { "vmstat", "/proc/vmstat", -1, 0 },
	[SLABINFO] = { "slabinfo", "/proc/slabinfo", -1, 0 },
	[VMALLOCINFO] = { "vmallocinfo", "/proc/vmallocinfo", -1, 0 },
	[MOUNTS] = { "mounts", "/proc/self/mounts", -1, 0 },
};

static char proc_text[4 << 20];
static struct { int fd; unsigned long long at; unsigned long address; } pool = { -1, 0, 0 };
static DIR *slab_directory, *proc_directory;
static struct { char name[64]; int fd; } caches[MAX_CACHES];
static char payload[MAX_PAYLOAD + 1];
static int control_fd, telemetry_fd, timer_fd, kmsg_fd, signal_fd;
static int output_fd = -1;
static struct { char name[MAX_NAME + 1]; int fd; } followed[MAX_FOLLOWED];
static size_t nr_followed;
static pid_t running;

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void nap_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static void put(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t n = write(fd, data, length);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			/* The host is not there (between save and restore): wait for it. */
			nap_ms(20);
			continue;
		}
		data += n;
		length -= n;
	}
}

__attribute__((format(printf, 2, 3))) static void say(int fd, const char *format, ...)
{
	char line[160];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put(fd, line, n);
}

static void record(const char *name, long long t, const char *data, size_t length)
{
	say(telemetry_fd, "%s %lld %zu\n", name, t, length);
	put(telemetry_fd, data, length);
}

/* Read a whole file into TEXT; what does not fit is cut, and the length says so to the reader. */
static size_t slurp(int fd, char *text, size_t room)
{
	size_t length = 0;

	while (length < room - 1) {
		ssize_t n = pread(fd, text + length, room - 1 - length, length);

		if (n <= 0)
			break;
		length += n;
	}
	text[length] = 0;
	return length;
}

/* Where the kernel's memory at ADDRESS is in /proc/kcore; 0 when it is not there. */
static unsigned long long kcore_offset(int fd, unsigned long address)
{
	ElfW(Ehdr) elf;
	ElfW(Phdr) part;
	int i;

	if (pread(fd, &elf, sizeof(elf), 0) != sizeof(elf))
		return 0;
	for (i = 0; i < elf.e_phnum; i++) {
		if (pread(fd, &part, sizeof(part), elf.e_phoff + i * sizeof(part)) != sizeof(part))
			return 0;
		if (part.p_type == PT_LOAD && address >= part.p_vaddr && address - part.p_vaddr < part.p_memsz)
			return part.p_offset + (address - part.p_vaddr);
	}
	return 0;
}

/* The pages in btrfs' pool for compressed data (6.12 and 7.3; not 6.1), -1 when that cannot be read. They are
 * free, but the shrinker tells of them only when the pool is full, so that dropping caches empties it
 * in some rounds and in others leaves up to 1 MiB. The kernel counts them nowhere: it has
 *
 *	static struct btrfs_compr_pool { ...; struct list_head list; int count; int thresh; } compr_pool;
 *
 * and what is before the list varies. So the list is looked for: it is empty when the count is 0 and
 * only then, the count goes no further than one above the threshold, and the threshold is that of a
 * full pool. */
static long pool_pages(void)
{
	const int full = (128 << 10) / sysconf(_SC_PAGESIZE) * 8;
	unsigned long words[16];
	long pages = -1;
	size_t i;

	if (pool.fd < 0 || pread(pool.fd, words, sizeof(words), pool.at) != sizeof(words))
		return -1;
	for (i = 0; i < 8; i++) {
		unsigned long list = pool.address + i * sizeof(long);
		int counts[2];

		memcpy(counts, words + i + 2, sizeof(counts));
		if (counts[1] != full || counts[0] < 0 || counts[0] > full + 1)
			continue;
		if ((words[i] == list) != !counts[0] || (words[i + 1] == list) != !counts[0])
			continue;
		if (pages >= 0)
			return -1;
		pages = counts[0];
	}
	return pages;
}

/* Keep open what pool_pages() reads. A module's symbols are the last of all. */
static void find_pool(void)
{
	char line[512], type;
	FILE *symbols;

	if (pool.fd >= 0 || !(symbols = fopen("/proc/kallsyms", "re")))
		return;
	while (!pool.at && fgets(line, sizeof(line), symbols)) {
		if (!strstr(line, " compr_pool\t[btrfs]") || sscanf(line, "%lx %c", &pool.address, &type) != 2)
			continue;
		pool.fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
		pool.at = kcore_offset(pool.fd, pool.address);
		break;
	}
	fclose(symbols);
}

/* Send the first COUNT files of what is sampled, when all are read: sending allocates. Returns when. */
static long long sample(size_t count)
{
	long long t = now_ns();
	char *at = proc_text, line[40];
	long pages;
	size_t i;

	for (i = 0; i < count; i++) {
		sampled[i].length = slurp(sampled[i].fd, at, proc_text + sizeof(proc_text) - at);
		at += sampled[i].length;
	}
	pages = pool_pages();
	if (pages >= 0)
		record("pools", t, line, snprintf(line, sizeof(line), "btrfs_compr %ld\n", pages));
	at = proc_text;
	for (i = 0; i < count; i++) {
		if (sampled[i].length)
			record(sampled[i].name, t, at, sampled[i].length);
		at += sampled[i].length;
	}
	return t;
}

/* Send the names of all threads that kthreadd started. This allocates: it is the last of a floor. */
static void sample_threads(long long t)
{
	char *at = proc_text, *end = proc_text + sizeof(proc_text) - 128;
	struct dirent *entry;

	if (!proc_directory)
		return;
	rewinddir(proc_directory);
	while ((entry = readdir(proc_directory)) && at < end) {
		char path[32], stat[128], *name, *name_end;
		int fd;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%.10s/stat", entry->d_name);
		fd = openat(dirfd(proc_directory), path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		slurp(fd, stat, sizeof(stat));
		close(fd);
		/* "PID (NAME) STATE PARENT ..." */
		name = strchr(stat, '(');
		name_end = strrchr(stat, ')');
		if (name && name_end > name && strtol(name_end + 4, NULL, 10) == 2)
			at += sprintf(at, "%.*s\n", (int)(name_end - name - 1), name + 1);
	}
	if (at > proc_text)
		record("threads", t, proc_text, at - proc_text);
}

/* Keep open what shrinks each slab cache: a directory has one, a link is one more name of it. Returns
 * whether all are open. */
static int find_caches(void)
{
	struct dirent *entry;
	int all = 1;
	size_t i;

	if (!slab_directory)
		return 0;
	rewinddir(slab_directory);
	while ((entry = readdir(slab_directory))) {
		size_t unused = MAX_CACHES;
		char path[80];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		for (i = 0; i < MAX_CACHES; i++) {
			if (caches[i].fd < 0)
				unused = i;
			else if (!strcmp(caches[i].name, entry->d_name))
				break;
		}
		if (i < MAX_CACHES)
			continue;
		if (unused == MAX_CACHES || strlen(entry->d_name) >= sizeof(caches[0].name))
			return 0;
		snprintf(path, sizeof(path), "%s/shrink", entry->d_name);
		caches[unused].fd = openat(dirfd(slab_directory), path, O_WRONLY | O_CLOEXEC);
		strcpy(caches[unused].name, entry->d_name);
		all &= caches[unused].fd >= 0;
	}
	return all;
}

/* The kernel copies what is written: a whole page to an object of kmalloc-8k, which has few others. */
static void shrink(size_t i)
{
	static const char text[4096] = "1\n";

	if (caches[i].fd >= 0 && pwrite(caches[i].fd, text, sizeof(text), 0) < 0) {
		close(caches[i].fd); /* the cache was destroyed */
		caches[i].fd = -1;
	}
}

/* Have every slab cache give back what it holds ready for each CPU, which counts as objects in use. In
 * 7.x that is held in objects of other caches (sheaves): so twice. Returns whether all did. */
static int shrink_caches(void)
{
	int all = find_caches();
	size_t i;

	for (i = 0; i < 2 * MAX_CACHES; i++)
		shrink(i % MAX_CACHES);
	/* Last the cache of the copies. */
	for (i = 0; i < MAX_CACHES; i++) {
		if (strstr(caches[i].name, "-8k"))
			shrink(i);
	}
	return all;
}

static void send_caches(void)
{
	long long t = now_ns();
	char *at = proc_text, *end = proc_text + sizeof(proc_text) - 600;
	struct dirent *entry;

	find_pool();
	find_caches();
	if (!slab_directory)
		return;
	rewinddir(slab_directory);
	while ((entry = readdir(slab_directory)) && at < end) {
		char target[256];
		ssize_t n;

		if (entry->d_type != DT_LNK)
			continue;
		n = readlinkat(dirfd(slab_directory), entry->d_name, target, sizeof(target));
		if (n > 0)
			at += sprintf(at, "%s %.*s\n", entry->d_name, (int)n, target);
	}
	if (at > proc_text)
		record("caches", t, proc_text, at - proc_text);
}

/* Send what can be read now, LIMIT bytes at most; returns whether that was all. */
static int forward(const char *name, int fd, size_t limit)
{
	static char piece[MAX_NAME + 1 + (256 << 10)];
	size_t begin = snprintf(piece, MAX_NAME + 2, "%s\n", name);
	size_t length = begin;
	ssize_t n = 1;

	while (n > 0 && limit) {
		size_t room = sizeof(piece) - length;

		/* A trace's pages are read one by one, each whole. */
		n = read(fd, piece + length, limit < room ? limit : room);
		if (n > 0) {
			length += n;
			limit -= n;
		}
		if (length > begin && (n <= 0 || !limit || sizeof(piece) - length < (128 << 10))) {
			record("raw", now_ns(), piece, length);
			length = begin;
		}
	}
	return n <= 0;
}

static void drain(void)
{
	size_t i;

	for (i = 0; i < nr_followed; i++)
		forward(followed[i].name, followed[i].fd, SIZE_MAX);
}

/* The payload is "NAME PATH". */
static int open_named(char *name, int flags)
{
	char *path = strchr(payload, ' ');

	if (!path || path - payload > MAX_NAME)
		return -1;
	*path++ = 0;
	strcpy(name, payload);
	return open(path, O_RDONLY | O_CLOEXEC | flags);
}

static int send_file(size_t limit)
{
	char name[MAX_NAME + 1];
	int fd = open_named(name, 0);
	int all;

	if (fd < 0)
		return 1;
	all = forward(name, fd, limit);
	close(fd);
	return all ? 0 : 2;
}

static int follow(void)
{
	int fd;

	if (nr_followed == MAX_FOLLOWED)
		return 1;
	fd = open_named(followed[nr_followed].name, O_NONBLOCK);
	if (fd < 0)
		return 1;
	followed[nr_followed++].fd = fd;
	return 0;
}

static void set_rate(long millihertz)
{
	struct itimerspec spec = { { 0, 0 }, { 0, 0 } };

	if (millihertz > 0) {
		long long period = 1000000000000LL / millihertz;

		spec.it_interval.tv_sec = period / 1000000000LL;
		spec.it_interval.tv_nsec = period % 1000000000LL;
		spec.it_value.tv_nsec = 1;
	}
	timerfd_settime(timer_fd, 0, &spec, NULL);
}

/* Have the kernel forget the areas of vmalloc that are free. It does when they have more than 32 MiB,
 * times the bits in the number of CPUs: so make what is missing. A module of 1 MiB, unreadable, is
 * an area of that size and one page, freed before the call returns. */
static void purge_vmalloc(void)
{
	long page = sysconf(_SC_PAGESIZE), missing = 1, cpus, size;
	char *at;

	for (cpus = sysconf(_SC_NPROCESSORS_ONLN); cpus > 0; cpus >>= 1)
		missing += (32 << 20) / page;
	slurp(sampled[VMALLOCINFO].fd, proc_text, sizeof(proc_text));
	for (at = proc_text; at && *at; at = (at = strchr(at, '\n')) ? at + 1 : NULL) {
		char word[9];

		if (sscanf(at, "%*s %ld %8s", &size, word) == 2 && !strcmp(word, "unpurged"))
			missing -= size / page;
	}
	for (; missing > 0; missing -= (1 << 20) / page + 1)
		syscall(SYS_init_module, NULL, 1L << 20, "");
}

/* Returns 0 when every cache was shrunk. */
static int sample_floor(long count)
{
	long long t = 0;
	int all = 0;

	while (count-- > 0) {
		/* What was sent is freed when the host has read it, and something else is sent. */
		nap_ms(50);
		record("floor", now_ns(), "", 0);
		all = shrink_caches();
		t = sample(AT_FLOORS);
	}
	sample_threads(t);
	return !all;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0) { /* not every kernel has every knob */ }
	close(fd);
}

/* Free memory in KiB with what the per-CPU page lists hold: MemFree alone moves in their steps. */
static long long free_kib(void)
{
	long page_kib = sysconf(_SC_PAGESIZE) / 1024;
	long long kib = 0;
	char *at;

	slurp(sampled[MEMINFO].fd, proc_text, sizeof(proc_text));
	at = strstr(proc_text, "MemFree:");
	if (at)
		kib = atoll(at + 8);
	slurp(sampled[ZONEINFO].fd, proc_text, sizeof(proc_text));
	for (at = proc_text; (at = strstr(at, "  count: ")); at += 9)
		kib += atoll(at + 9) * page_kib;
	return kib;
}

/* Returns 0 when two looks in a row moved by no more than one page, 1 when time ran out. */
static int quiesce(long limit_ms)
{
	long long end = now_ns() + limit_ms * 1000000LL;
	long long before = -1;
	int still = 0;

	find_caches(); /* to open files is part of what comes to rest */
	purge_vmalloc();
	while (now_ns() < end) {
		long long after, moved;

		sync();
		write_file("/proc/sys/vm/drop_caches", "3");
		write_file("/proc/sys/vm/drop_caches", "3");
		write_file("/proc/sys/vm/stat_refresh", "1");
		nap_ms(60);
		after = free_kib();
		moved = after > before ? after - before : before - after;
		still = before >= 0 && moved <= 4 ? still + 1 : 0;
		if (still == 2)
			return 0;
		before = after;
	}
	return 1;
}

static void run(void)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC)) {
		say(control_fd, "done 126\n");
		return;
	}
	running = fork();
	if (running == 0) {
		sigset_t none;
		int null = open("/dev/null", O_RDONLY);

		prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		setsid();
		dup2(null, 0);
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		/* What the workload runs may be taken by the OOM killer; this agent may not. */
		write_file("/proc/self/oom_score_adj", "500");
		execl("/bin/sh", "sh", "-c", payload, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	output_fd = pipes[0];
	fcntl(output_fd, F_SETFL, O_NONBLOCK);
	if (running < 0) {
		close(output_fd);
		output_fd = -1;
		running = 0;
		say(control_fd, "done 126\n");
	}
}

static void forward_output(void)
{
	char text[4096];
	ssize_t n;

	while (output_fd >= 0 && (n = read(output_fd, text, sizeof(text))) > 0) {
		say(control_fd, "out %zd\n", n);
		put(control_fd, text, n);
	}
	if (output_fd >= 0 && n == 0) {
		close(output_fd);
		output_fd = -1;
	}
}

static void reap(void)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(signal_fd, &info, sizeof(info)) < 0) { /* several children may share one signal */ }
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != running)
			continue;
		forward_output();
		/* A background job may still hold the pipe: the command itself is over. */
		if (output_fd >= 0)
			close(output_fd);
		output_fd = -1;
		running = 0;
		say(control_fd, "done %d\n",
		    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
}

static void forward_kernel_log(void)
{
	static char text[8192];

	for (;;) {
		ssize_t n = read(kmsg_fd, text, sizeof(text));

		if (n > 0)
			record("kmsg", now_ns(), text, n);
		else if (n < 0 && errno == EPIPE)
			record("kmsg-lost", now_ns(), "", 0);
		else
			return;
	}
}

/* Read exactly LENGTH bytes; the host sends a request whole. */
static void get(char *data, size_t length)
{
	while (length) {
		ssize_t n = read(control_fd, data, length);

		if (n <= 0) {
			nap_ms(20);
			continue;
		}
		data += n;
		length -= n;
	}
}

static void serve(void)
{
	char header[128], verb[16];
	long number;
	size_t length, at = 0;

	do {
		get(header + at, 1);
	} while (header[at++] != '\n' && at < sizeof(header) - 1);
	header[at] = 0;
	if (sscanf(header, "%15s %ld %zu", verb, &number, &length) != 3) {
		say(control_fd, "done 125\n");
		return;
	}
	if (length > MAX_PAYLOAD) {
		/* Pass over it: the host has written it and waits for an answer. */
		for (; length > MAX_PAYLOAD; length -= MAX_PAYLOAD)
			get(payload, MAX_PAYLOAD);
		get(payload, length);
		say(control_fd, "done 125\n");
		return;
	}
	get(payload, length);
	payload[length] = 0;

	if (!strcmp(verb, "sysrq")) {
		char key[2] = { (char)number, 0 };

		write_file("/proc/sysrq-trigger", key);
		return;
	}
	if (running) {
		say(control_fd, "done 125\n");
		return;
	}
	if (!strcmp(verb, "run")) {
		run();
		return;
	}
	if (!strcmp(verb, "rate")) {
		set_rate(number);
	} else if (!strcmp(verb, "sample")) {
		while (number-- > 0) {
			sample(AT_ANY_TIME);
			if (number)
				nap_ms(50);
		}
	} else if (!strcmp(verb, "floor")) {
		say(control_fd, "done %d\n", sample_floor(number));
		return;
	} else if (!strcmp(verb, "caches")) {
		send_caches();
	} else if (!strcmp(verb, "mark")) {
		record("mark", now_ns(), payload, length);
	} else if (!strcmp(verb, "send")) {
		say(control_fd, "done %d\n", send_file(number));
		return;
	} else if (!strcmp(verb, "follow")) {
		say(control_fd, "done %d\n", follow());
		return;
	} else if (!strcmp(verb, "drain")) {
		drain();
	} else if (!strcmp(verb, "quiesce")) {
		say(control_fd, "done %d\n", quiesce(number));
		return;
	} else {
		say(control_fd, "done 125\n");
		return;
	}
	say(control_fd, "done 0\n");
}

static int open_port(const char *path)
{
	struct termios attributes;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "agent: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	if (isatty(fd) && !tcgetattr(fd, &attributes)) {
		cfmakeraw(&attributes);
		tcsetattr(fd, TCSANOW, &attributes);
	}
	return fd;
}

int main(int argc, char **argv)
{
	sigset_t child;
	size_t i;

	if (argc != 3) {
		fprintf(stderr, "usage: agent CONTROL TELEMETRY\n");
		return 2;
	}
	/* Touch the buffers now: later page faults would show in what is measured. And they are not to be
	 * huge pages: 6.12 and 7.3 split those and make them anew, between floors, 2 MiB each. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	memset(proc_text, 0, sizeof(proc_text));
	memset(payload, 0, sizeof(payload));
	write_file("/proc/self/oom_score_adj", "-1000");
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	for (i = 0; i < AT_FLOORS; i++)
		sampled[i].fd = open(sampled[i].path, O_RDONLY | O_CLOEXEC);
	for (i = 0; i < MAX_CACHES; i++)
		caches[i].fd = -1;
	slab_directory = opendir(SLAB);
	proc_directory = opendir("/proc");
	kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	control_fd = open_port(argv[1]);
	telemetry_fd = open_port(argv[2]);
	say(control_fd, "done 0\n");

	for (;;) {
		struct pollfd fds[] = {
			{ control_fd, POLLIN, 0 }, { timer_fd, POLLIN, 0 },
			{ kmsg_fd, POLLIN, 0 },		          { signal_fd, POLLIN, 0 },
			{ output_fd, POLLIN, 0 },
		};
		unsigned long long ticks;

		if (poll(fds, 5, -1) < 0)
			continue;
		if (fds[2].revents)
			forward_kernel_log();
		if (fds[1].revents && read(timer_fd, &ticks, sizeof(ticks)) > 0) {
			sample(AT_ANY_TIME);
			drain();
		}
		if (fds[4].revents)
			forward_output();
		if (fds[3].revents)
			reap();
		if (fds[0].revents & POLLIN)
			serve();
		else if (fds[0].revents & POLLHUP)
			nap_ms(20); /* the host's end is closed: do not spin */
	}
}
