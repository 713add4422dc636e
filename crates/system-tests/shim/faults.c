/* Loaded before a program (LD_PRELOAD), lets its disk fail. Concerned are the files below FAULTS_DIR, but for the history of
 * the harness and the shared-memory index of SQLite's log (-shm), which is memory.
 *
 * FAULTS_CALL (write, fsync or fdatasync), FAULTS_NTH and FAULTS_ERROR (a number of errno): the n-th such call fails, or with
 * FAULTS_STAYS every one from there on. When it first does, a line "x NAME-OF-THREAD NAME-OF-FILE" is appended to
 * FAULTS_HISTORY, so that its place among the acknowledgements is known.
 *
 * FAULTS_CALL any: writes, cuts, flushes and removals all count, so that from the n-th on nothing changes any more, as after the
 * end of the process. FAULTS_CONTROL names a file; what is written to it, "CALL NTH ERROR STAYS", takes the place of these
 * four from then on, and calls are counted anew (a program that drives itself).
 *
 * FAULTS_CALL send: messages to a network socket count. FAULTS_KILLS: instead of failing, the n-th call kills the process.
 *
 * FAULTS_SLOW names a file; while it exists each flush takes as many milliseconds longer as FAULTS_SLOW_MS says.
 *
 * FAULTS_FULL names a file; while it exists the disk is full: a write that would make a file longer is cut short at its
 * end, as a real disk does, or refused with ENOSPC.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static char directory[PATH_MAX];
static size_t directory_length;
static int (*real_unlink)(const char *);
static const char *history, *full, *slow;
static long slow_ms;
static char call_name[16], control[PATH_MAX];
static long nth;
static int failure, stays, kills, ready;
static atomic_long calls;

static void *find(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

__attribute__((constructor)) static void start(void) {
  real_write = (ssize_t(*)(int, const void *, size_t))find("write");
  real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))find("pwrite64");
  real_ftruncate = (int (*)(int, off_t))find("ftruncate64");
  real_fsync = (int (*)(int))find("fsync");
  real_fdatasync = (int (*)(int))find("fdatasync");
  real_send = (ssize_t(*)(int, const void *, size_t, int))find("send");
  real_writev = (ssize_t(*)(int, const struct iovec *, int))find("writev");
  real_unlink = (int (*)(const char *))find("unlink");
  const char *root = getenv("FAULTS_DIR");
  if (!root || !realpath(root, directory)) return;
  directory_length = strlen(directory);
  const char *call = getenv("FAULTS_CALL"), *told = getenv("FAULTS_CONTROL");
  if (call) snprintf(call_name, sizeof call_name, "%s", call);
  if (told) snprintf(control, sizeof control, "%s", told);
  history = getenv("FAULTS_HISTORY");
  full = getenv("FAULTS_FULL");
  slow = getenv("FAULTS_SLOW");
  slow_ms = number("FAULTS_SLOW_MS");
  nth = number("FAULTS_NTH");
  failure = (int)number("FAULTS_ERROR");
  stays = (int)number("FAULTS_STAYS");
  kills = (int)number("FAULTS_KILLS");
  ready = 1;
}

static int ends(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Whether this was said to the control, and is heard. */
static int heard(int fd, const void *data, size_t length) {
  char link[64], path[PATH_MAX], said[128];
  if (!*control || length >= sizeof said) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t found = readlink(link, path, sizeof path - 1);
  if (found <= 0) return 0;
  path[found] = '\0';
  if (strcmp(path, control) != 0) return 0;
  memcpy(said, data, length);
  said[length] = '\0';
  if (sscanf(said, "%15s %ld %d %d", call_name, &nth, &failure, &stays) != 4) abort();
  calls = 0;
  return 1;
}

/* The name of a file that the faults concern, or nothing. */
static const char *concerned(int fd, char *path) {
  char link[64];
  if (!ready) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return NULL;
  path[length] = '\0';
  if (strncmp(path, directory, directory_length) != 0 || path[directory_length] != '/') return NULL;
  const char *name = path + directory_length + 1;
  return ends(name, "history") || ends(name, "-shm") ? NULL : name;
}

static void tell(const char *file) {
  char thread[17] = "", line[PATH_MAX + 32];
  prctl(PR_GET_NAME, thread);
  for (char *at = thread; *at; at++) if (*at == ' ') *at = '_';
  int length = snprintf(line, sizeof line, "x %s %s\n", thread, file);
  int fd = history ? open(history, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (fd < 0 || real_write(fd, line, (size_t)length) != length) abort();
  close(fd);
}

/* Whether this call is to fail. */
static int fails(const char *name, const char *file) {
  int any = strcmp(call_name, "any") == 0;
  if (!any && strcmp(call_name, name) != 0) return 0;
  long now = ++calls;
  if (now == nth && kills) kill(getpid(), SIGKILL);
  if (now == nth) tell(file);
  return now == nth || (stays && now > nth);
}

/* How much of a write at this place there is room for; -1 for none. */
static ssize_t room(int fd, size_t length, off_t at) {
  struct stat now;
  if (!full || access(full, F_OK) != 0 || fstat(fd, &now) != 0) return (ssize_t)length;
  if (at + (off_t)length <= now.st_size) return (ssize_t)length;
  return at < now.st_size ? (ssize_t)(now.st_size - at) : -1;
}

static int failed(int error) {
  errno = error;
  return -1;
}

ssize_t write(int fd, const void *data, size_t length) {
  char path[PATH_MAX];
  const char *name = concerned(fd, path);
  if (!name) return heard(fd, data, length) ? (ssize_t)length : real_write(fd, data, length);
  if (fails("write", name)) return failed(failure);
  int flags = fcntl(fd, F_GETFL);
  ssize_t fits = room(fd, length, lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR));
  return fits < 0 ? failed(ENOSPC) : real_write(fd, data, (size_t)fits);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  char path[PATH_MAX];
  const char *name = concerned(fd, path);
  if (!name) return real_pwrite(fd, data, length, at);
  if (fails("write", name)) return failed(failure);
  ssize_t fits = room(fd, length, at);
  return fits < 0 ? failed(ENOSPC) : real_pwrite(fd, data, (size_t)fits, at);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return pwrite64(fd, data, length, at); }

int ftruncate64(int fd, off64_t length) {
  char path[PATH_MAX];
  struct stat now;
  const char *name = concerned(fd, path);
  if (name && strcmp(call_name, "any") == 0 && fails("ftruncate", name)) return failed(failure);
  int grows = name && full && access(full, F_OK) == 0 && fstat(fd, &now) == 0 && length > now.st_size;
  return grows ? failed(ENOSPC) : real_ftruncate(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static void take_time(const char *name) {
  struct timespec pause = {slow_ms / 1000, slow_ms % 1000 * 1000000};
  if (name && slow && access(slow, F_OK) == 0) nanosleep(&pause, NULL);
}

int fsync(int fd) {
  char path[PATH_MAX];
  const char *name = concerned(fd, path);
  take_time(name);
  return name && fails("fsync", name) ? failed(failure) : real_fsync(fd);
}

int fdatasync(int fd) {
  char path[PATH_MAX];
  const char *name = concerned(fd, path);
  take_time(name);
  return name && fails("fdatasync", name) ? failed(failure) : real_fdatasync(fd);
}

/* Whether a message through this is to fail; what changes the disk ("any") does not count messages. */
static int message_fails(int fd) {
  struct stat now;
  int counted = ready && strcmp(call_name, "send") == 0 && fstat(fd, &now) == 0 && S_ISSOCK(now.st_mode);
  return counted && fails("send", "socket");
}

ssize_t send(int fd, const void *data, size_t length, int flags) {
  return message_fails(fd) ? failed(failure) : real_send(fd, data, length, flags);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  return message_fails(fd) ? failed(failure) : real_writev(fd, parts, count);
}

int unlink(const char *path) {
  char whole[PATH_MAX];
  if (!ready || strcmp(call_name, "any") != 0 || !realpath(path, whole)) return real_unlink(path);
  size_t length = directory_length;
  int inside = strncmp(whole, directory, length) == 0 && whole[length] == '/' && !ends(whole, "-shm");
  return inside && fails("unlink", whole + length + 1) ? failed(failure) : real_unlink(path);
}
