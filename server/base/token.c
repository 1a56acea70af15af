#include "base/token.h"

#include "base/parse.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void token_new(char out[TOKEN_SIZE])
{
    unsigned char bits[32];
    randombytes_buf(bits, sizeof bits);
    memcpy(out, "rk_", 3);
    sodium_bin2base64(out + 3, TOKEN_SIZE - 3, bits, sizeof bits, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bits, sizeof bits);
}

void token_hash(const unsigned char key[TOKEN_KEY_BYTES], const char *text, size_t length,
                unsigned char out[TOKEN_HASH_BYTES])
{
    crypto_generichash(out, TOKEN_HASH_BYTES, (const unsigned char *)text, length, key, TOKEN_KEY_BYTES);
}

static bool key_from_file(int fd, const char *path, unsigned char key[TOKEN_KEY_BYTES], char *error, unsigned size)
{
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        snprintf(error, size, "token key %s is not a regular file; make one with `reckoner keygen`", path);
        return false;
    }
    if ((s.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        snprintf(error, size, "token key %s can be read by others; set its mode to 0400 or 0440", path);
        return false;
    }
    char text[2 * TOKEN_KEY_BYTES + 2];
    ssize_t n = read(fd, text, sizeof text);
    if (n > 0 && text[n - 1] == '\n')
        n--;
    bool ok = n > 0 && hex_decode(text, (size_t)n, key, TOKEN_KEY_BYTES);
    sodium_memzero(text, sizeof text);
    if (!ok)
        snprintf(error, size, "token key %s does not hold 64 hexadecimal digits; make one with `reckoner keygen`",
                 path);
    return ok;
}

bool token_key_load(const char *path, unsigned char key[TOKEN_KEY_BYTES], char *error, unsigned size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        snprintf(error, size, "token key %s cannot be opened (%m); make one with `reckoner keygen`", path);
        return false;
    }
    bool ok = key_from_file(fd, path, key, error, size);
    close(fd);
    return ok;
}
