#include "signing/unseal.h"

#include "base/pack.h"

#include <stdlib.h>
#include <string.h>

bool unseal_key_set(struct unseal_key *key, const uint8_t secret[SEAL_SECRET_KEY_SIZE])
{
    memcpy(key->secret, secret, sizeof key->secret);
    return crypto_scalarmult_base(key->public, key->secret) == 0;
}

bool unseal_begin(struct unseal_stream *s, const struct unseal_key *key, const char *context, const void *sealed_key,
                  size_t sealed_length)
{
    size_t context_length = strlen(context);
    if (sealed_length != SEAL_KEY_SIZE || context_length >= SEAL_CONTEXT_SIZE)
        return false;
    uint8_t plain[SEAL_KEY_PLAIN_SIZE];
    const uint8_t *header = plain + crypto_secretstream_xchacha20poly1305_KEYBYTES;
    bool ok = crypto_box_seal_open(plain, sealed_key, SEAL_KEY_SIZE, key->public, key->secret) == 0 &&
              crypto_secretstream_xchacha20poly1305_init_pull(&s->state, header, plain) == 0;
    sodium_memzero(plain, sizeof plain);
    memcpy(s->context, context, context_length + 1);
    s->context_length = context_length;
    s->finished = false;
    return ok;
}

bool unseal_chunk(struct unseal_stream *s, const void *sealed, size_t sealed_length, uint8_t *out)
{
    if (s->finished || sealed_length < SEAL_CHUNK_OVERHEAD)
        return false;
    uint8_t tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&s->state, out, NULL, &tag, sealed, sealed_length,
                                                   (const uint8_t *)s->context, s->context_length) != 0)
        return false;
    s->finished = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return true;
}

void unseal_end(struct unseal_stream *s)
{
    sodium_memzero(s, sizeof *s);
}

/* What stood in a smaller room is wiped, not moved. */
static bool make_room(uint8_t **bytes, size_t *size, size_t wanted)
{
    if (wanted <= *size)
        return true;
    uint8_t *larger = malloc(wanted);
    if (!larger)
        return false;
    if (*bytes)
        sodium_memzero(*bytes, *size);
    free(*bytes);
    *bytes = larger;
    *size = wanted;
    return true;
}

enum unseal_outcome unseal_packed(struct unseal_stream *s, const void *sealed, size_t sealed_length,
                                  struct unseal_room *room, const uint8_t **text, size_t *length)
{
    if (sealed_length < SEAL_CHUNK_OVERHEAD)
        return UNSEAL_DAMAGED;
    size_t packed = sealed_length - SEAL_CHUNK_OVERHEAD;
    if (!make_room(&room->packed, &room->packed_size, packed + 1))
        return UNSEAL_NO_MEMORY;
    if (!unseal_chunk(s, sealed, sealed_length, room->packed) || !chunk_unpack_length(room->packed, packed, length))
        return UNSEAL_DAMAGED;
    if (!make_room(&room->text, &room->text_size, *length + 1))
        return UNSEAL_NO_MEMORY;
    *text = room->text;
    return chunk_unpack(room->packed, packed, room->text, *length) ? UNSEAL_DONE : UNSEAL_DAMAGED;
}

void unseal_room_free(struct unseal_room *room)
{
    if (room->packed)
        sodium_memzero(room->packed, room->packed_size);
    if (room->text)
        sodium_memzero(room->text, room->text_size);
    free(room->packed);
    free(room->text);
    memset(room, 0, sizeof *room);
}

bool unseal_box(const struct unseal_key *key, const void *sealed, size_t length, uint8_t *out)
{
    return length >= SEAL_BOX_OVERHEAD && crypto_box_seal_open(out, sealed, length, key->public, key->secret) == 0;
}
