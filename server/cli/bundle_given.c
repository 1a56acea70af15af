#include "cli/bundle_given.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool given_map(const char *path, struct given *out, char *trouble)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *at = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &about) == 0) {
        if (!S_ISREG(about.st_mode) || about.st_size == 0)
            errno = EINVAL;
        else
            at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (at == MAP_FAILED)
        (void)snprintf(trouble, BUNDLE_TROUBLE_SIZE, "%s cannot be read: %s", path,
                       errno == EINVAL ? "it is no file, or empty" : strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (at == MAP_FAILED)
        return false;
    *out = (struct given){at, (size_t)about.st_size};
    return true;
}

void given_unmap(struct given *g)
{
    if (g->bytes != NULL)
        (void)munmap((void *)g->bytes, g->length);
}
