/* The reader of checkpoints, which come from strangers: what it reads is written again as it was, and verifier keys
 * come back as they were. */
#include "proof/checkpoint.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_note(const char *text, size_t length)
{
    static struct checkpoint_note n;
    const char *where = NULL;
    struct buf again;
    if (!checkpoint_read(text, length, &n, &where)) {
        if (where == NULL)
            abort();
        return;
    }
    buf_init(&again, NOTE_SIZE_MAX);
    if (n.body > length || n.count > NOTE_SIGNATURES_MAX || !checkpoint_body(&n.checkpoint, &again) ||
        again.length > n.body || memcmp(again.data, text, again.length) != 0)
        abort();
    for (size_t i = 0; i < n.count; i++) {
        buf_clear(&again);
        if (!note_signature_line(&n.signature[i], &again) || memmem(text, length, again.data, again.length) == NULL)
            abort();
    }
    buf_free(&again);
    uint8_t key[PUBLIC_KEY_SIZE] = {1};
    (void)note_signed_by(text, &n, n.checkpoint.origin, NOTE_COSIGNATURE, key, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[NOTE_NAME_SIZE];
    uint8_t key[PUBLIC_KEY_SIZE];
    enum note_kind kind;
    char again[NOTE_VKEY_SIZE];
    const char *text = (const char *)data;
    try_note(text, size);
    if (note_vkey_parse(text, size, name, &kind, key) && !note_vkey_format(name, kind, key, again))
        abort();
    return 0;
}
