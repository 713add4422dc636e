/* Loaded before a program (LD_PRELOAD), writes down what it does to the files of one directory: which bytes it wrote
 * where, when it asked for them to be made durable and when that was done. From such a trace the power-cut harness
 * builds what a disk may hold after the power went away. Nothing of what the program sees changes.
 *
 * POWERCUT_DIR names the directory, POWERCUT_TRACE the file to write to. The shared-memory index of SQLite's log (-shm)
 * is left out: it is rebuilt after a crash and never needs to be durable.
 *
 * A record: kind (1 byte), 3 bytes of nothing, length of the name (4), a number (8), length of the data (8), all little
 * endian; then the name within the directory and the data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2, SYNC_BEGUN = 3, SYNC_ENDED = 4, UNLINK = 5 };

struct record {
  uint8_t kind, nothing[3];
  uint32_t name;
  uint64_t number, data;
};

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char directory[PATH_MAX];
static size_t directory_length;
static int trace = -1;
static uint64_t syncs;

static void *find(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

__attribute__((constructor)) static void start(void) {
  real_write = (ssize_t(*)(int, const void *, size_t))find("write");
  real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))find("pwrite64");
  real_ftruncate = (int (*)(int, off_t))find("ftruncate64");
  real_fsync = (int (*)(int))find("fsync");
  real_fdatasync = (int (*)(int))find("fdatasync");
  real_unlink = (int (*)(const char *))find("unlink");
  const char *root = getenv("POWERCUT_DIR"), *file = getenv("POWERCUT_TRACE");
  if (!root || !file || !realpath(root, directory)) return;
  directory_length = strlen(directory);
  trace = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (trace < 0) abort();
}

/* The name within the directory ("" for itself), or nothing when the path lies elsewhere or does not matter. */
static const char *inside(const char *path) {
  if (strncmp(path, directory, directory_length) != 0) return NULL;
  const char *rest = path + directory_length;
  if (*rest == '\0') return rest;
  if (*rest != '/') return NULL;
  size_t length = strlen(++rest);
  if (length >= 4 && strcmp(rest + length - 4, "-shm") == 0) return NULL;
  if (length >= 10 && strcmp(rest + length - 10, " (deleted)") == 0) return NULL;
  return rest;
}

static const char *name_of(int fd, char *path) {
  char link[64];
  if (trace < 0 || fd == trace) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return NULL;
  path[length] = '\0';
  return inside(path);
}

/* Called with `order` held. A trace that cannot be written would lie: end. */
static void note(int kind, const char *name, uint64_t number, const void *data, size_t length) {
  struct record head = {(uint8_t)kind, {0}, (uint32_t)strlen(name), number, length};
  struct iovec parts[3] = {{&head, sizeof head}, {(void *)name, head.name}, {(void *)data, length}};
  size_t whole = sizeof head + head.name + length;
  if (writev(trace, parts, 3) != (ssize_t)whole) abort();
}

static ssize_t traced_write(int fd, const void *data, size_t length, const char *name, off_t at, int positioned) {
  pthread_mutex_lock(&order);
  if (!positioned) at = lseek(fd, 0, SEEK_CUR);
  ssize_t written = positioned ? real_pwrite(fd, data, length, at) : real_write(fd, data, length);
  int error = errno;
  if (written > 0) note(WRITE, name, (uint64_t)at, data, (size_t)written);
  pthread_mutex_unlock(&order);
  errno = error;
  return written;
}

ssize_t write(int fd, const void *data, size_t length) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  return name ? traced_write(fd, data, length, name, 0, 0) : real_write(fd, data, length);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  return name ? traced_write(fd, data, length, name, at, 1) : real_pwrite(fd, data, length, at);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return pwrite64(fd, data, length, at); }

int ftruncate64(int fd, off64_t length) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  if (!name) return real_ftruncate(fd, length);
  pthread_mutex_lock(&order);
  int result = real_ftruncate(fd, length), error = errno;
  if (result == 0) note(TRUNCATE, name, (uint64_t)length, NULL, 0);
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

/* Only what was written before the call began is known to be durable when it has returned. */
static int traced_sync(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  if (!name) return real(fd);
  pthread_mutex_lock(&order);
  uint64_t number = ++syncs;
  note(SYNC_BEGUN, name, number, NULL, 0);
  pthread_mutex_unlock(&order);
  int result = real(fd), error = errno;
  if (result == 0) {
    pthread_mutex_lock(&order);
    note(SYNC_ENDED, name, number, NULL, 0);
    pthread_mutex_unlock(&order);
  }
  errno = error;
  return result;
}

int fsync(int fd) { return traced_sync(fd, real_fsync); }

int fdatasync(int fd) { return traced_sync(fd, real_fdatasync); }

int unlink(const char *path) {
  char whole[PATH_MAX];
  const char *name = trace >= 0 && realpath(path, whole) ? inside(whole) : NULL;
  if (!name) return real_unlink(path);
  pthread_mutex_lock(&order);
  int result = real_unlink(path), error = errno;
  if (result == 0) note(UNLINK, name, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}
